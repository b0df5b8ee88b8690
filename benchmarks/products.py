"""Only the matrix products of a path's step, at its shapes: MKL's rate bounds the rest."""

from collections.abc import Callable
from itertools import pairwise

import torch

Widths = list[int]


class Products:
    """Products of passes of perceptrons, gathered and then run."""

    def __init__(self) -> None:
        self._run: list[Callable[[], object]] = []

    def _product(self, left: tuple[int, int], right: tuple[int, int], times: int) -> None:
        a, b = torch.randn(left), torch.randn(right)
        out = torch.empty(left[0], right[1])
        self._run += [lambda: torch.mm(a, b, out=out)] * times

    def forward(self, rows: int, widths: Widths, times: int = 1) -> None:
        for before, after in pairwise(widths):
            self._product((rows, before), (before, after), times)

    def weights(self, rows: int, widths: Widths, times: int = 1) -> None:
        """Gradients of the weights, and of all layers' inputs but the first's."""
        for before, after in pairwise(widths):
            self._product((before, rows), (rows, after), times)
        self.inputs(rows, widths[1:], times)

    def inputs(self, rows: int, widths: Widths, times: int = 1) -> None:
        """Gradients of all layers' inputs."""
        for before, after in pairwise(widths):
            self._product((rows, after), (after, before), times)

    def step(self) -> None:
        for product in self._run:
            product()


def _value(found: Products, rows: int, n: int, m: int, slope: bool) -> None:
    actor, critic = [n, 256, 256, 2 * m], [n + m, 256, 256, 1]
    found.forward(rows, actor)
    found.forward(rows, critic, 2)
    if slope:  # each row through one critic
        found.inputs(rows, actor)
        found.inputs(rows, critic)


def _update(found: Products, rows: int, n: int, m: int) -> None:
    actor, critic = [n, 256, 256, 2 * m], [n + m, 256, 256, 1]
    found.forward(rows, critic, 4)
    found.weights(rows, critic, 2)
    found.inputs(rows, critic)
    found.forward(rows, actor)
    found.weights(rows, actor)


def _model(found: Products, rows: int, n: int, m: int, width: int) -> None:
    widths = [n + m, width, width, 2 * n]
    found.forward(rows, widths)
    found.weights(rows, widths)


def of(path: str) -> Callable[[], object]:
    """The products of this path's step."""
    found = Products()
    if path == "SAC":
        _value(found, 256, 12, 3, slope=False)
        _update(found, 256, 12, 3)
    elif path in ("VAML", "MLE"):
        _model(found, 128, 12, 3, 32)
        if path == "VAML":
            _value(found, 128, 12, 3, slope=False)
            _value(found, 1280, 12, 3, slope=True)
    elif path.startswith("synthetic"):
        _model(found, 128, 11, 3, int(path.split()[1]))
        found.forward(128, [11, 64, 1])
        found.forward(1280, [11, 64, 1])
        found.inputs(1280, [11, 64, 1])
    else:
        _model(found, 256, 23, 7, 128)
        if "VAML" in path:
            _value(found, 256, 23, 7, slope=False)
            _value(found, 2560, 23, 7, slope=True)
        found.forward(256, [30, 128, 128, 46])
        _value(found, 2560, 23, 7, slope=False)
        _update(found, 256, 23, 7)
    return found.step
