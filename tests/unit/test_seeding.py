import json

import numpy as np
import pytest

from vaml.seeding import Streams, generator_state, set_generator_state


def test_seeds_are_a_contract_with_old_results() -> None:
    """Another value here means that no stored result can be made again."""
    assert Streams(0).seed("batches") == 1786051035031432618
    assert Streams(7, "model", 2).seed("noise", 10, "x") == 5910710446369639844


def test_names_alone_decide() -> None:
    first, second = Streams(3, "model"), Streams(3, "model")
    forwards = [first.seed(name) for name in ("a", "b", "c")]
    backwards = [second.seed(name) for name in ("c", "b", "a")]
    assert forwards == backwards[::-1]


def test_a_name_is_a_path() -> None:
    assert Streams(0, "model").seed("batches") == Streams(0).seed("model", "batches")


def test_different_paths_are_different_streams() -> None:
    seeds = [
        Streams(0).seed("a", "b"),
        Streams(0).seed("ab"),
        Streams(0).seed("b", "a"),
        Streams(1).seed("a", "b"),
        Streams(0).seed("a", 1),
        Streams(0).seed("a", "1"),
        Streams(0).seed("a", 1, 2),
        Streams(0).seed("a", 12),
    ]
    assert len(set(seeds)) == len(seeds)


def test_seeds_fit_into_63_bits_and_use_them() -> None:
    seeds = [Streams(seed).seed("stream") for seed in range(200)]
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert max(seeds) > 2**62
    assert {seed % 2 for seed in seeds} == {0, 1}


def test_numpy_integers_name_the_same_stream() -> None:
    assert Streams(0).seed("step", np.int64(5)) == Streams(0).seed("step", 5)


def test_a_float_is_no_name() -> None:
    with pytest.raises(TypeError):
        Streams(0).seed("step", 0.5)  # type: ignore[arg-type]


def test_numpy_streams_repeat_and_do_not_overlap() -> None:
    draws = Streams(0).numpy("noise").standard_normal(1000)
    np.testing.assert_array_equal(draws, Streams(0).numpy("noise").standard_normal(1000))
    other = Streams(0).numpy("other").standard_normal(1000)
    assert abs(np.corrcoef(draws, other)[0, 1]) < 0.15


def test_a_generator_goes_on_from_its_saved_state() -> None:
    generator = Streams(0).numpy("noise")
    # An odd number of 32-bit draws leaves half a word behind, which is state too.
    generator.integers(0, 2**32, size=3, dtype=np.uint32)
    state = generator_state(generator)
    assert state.dtype == np.uint8
    expected = generator.integers(0, 2**32, size=5, dtype=np.uint32)

    resumed = np.random.default_rng(99)
    set_generator_state(resumed, state)
    np.testing.assert_array_equal(
        resumed.integers(0, 2**32, size=5, dtype=np.uint32), expected, strict=True
    )


def test_other_bit_generators_are_refused_by_name() -> None:
    generator = np.random.Generator(np.random.MT19937(0))
    with pytest.raises(TypeError, match="got MT19937; allowed: PCG64"):
        generator_state(generator)
    with pytest.raises(TypeError, match="got MT19937; allowed: PCG64"):
        set_generator_state(generator, np.frombuffer(json.dumps({}).encode(), np.uint8))
