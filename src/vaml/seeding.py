"""One seed per job, split into named random streams."""

import hashlib
import json
import operator
from typing import SupportsIndex

import numpy as np


class Streams:
    """Independent random streams of one seed, distinguished only by their names.

    A name is a path: the scope, then the stream, then its parts, so
    `Streams(0, "model").seed("batches")` is `Streams(0).seed("model", "batches")`. The order in
    which streams are asked for, and how many there are, makes no difference.
    """

    def __init__(self, seed: int, *scope: str | SupportsIndex) -> None:
        self._path = (seed, *scope)

    def seed(self, name: str, *parts: str | SupportsIndex) -> int:
        """A 63-bit seed for torch.Generator.manual_seed and gymnasium's reset."""
        path = [
            part if isinstance(part, str) else operator.index(part)
            for part in (*self._path, name, *parts)
        ]
        digest = hashlib.sha256(json.dumps(path).encode()).digest()
        return int.from_bytes(digest[:8], "big") >> 1

    def numpy(self, name: str, *parts: str | SupportsIndex) -> np.random.Generator:
        """A NumPy generator for one stream."""
        return np.random.Generator(np.random.PCG64(np.random.SeedSequence(self.seed(name, *parts))))


def generator_state(generator: np.random.Generator) -> np.ndarray:
    """State of a PCG64 generator (also Gymnasium's): uint8, any length."""
    _require_pcg64(generator)
    text = json.dumps(generator.bit_generator.state)
    return np.frombuffer(text.encode(), dtype=np.uint8).copy()


def set_generator_state(generator: np.random.Generator, array: np.ndarray) -> None:
    """Go on from a state that `generator_state` returned."""
    _require_pcg64(generator)
    generator.bit_generator.state = json.loads(array.tobytes())


def _require_pcg64(generator: np.random.Generator) -> None:
    if not isinstance(generator.bit_generator, np.random.PCG64):
        kind = type(generator.bit_generator).__name__
        raise TypeError(f"random stream: got {kind}; allowed: PCG64")
