import numpy as np
import pytest

from vaml.divergence import Diverged, not_finite, require_finite

FINITE = {"weight": np.ones((2, 2)), "step": np.asarray(3), "empty": np.zeros(0)}


def test_finite_arrays_pass() -> None:
    assert not_finite(FINITE) is None
    require_finite(FINITE, step=4)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_bad_number_is_named_with_its_step(value: float) -> None:
    bias = np.zeros(100, dtype=np.float32)
    bias[57] = value
    arrays = {**FINITE, "bias": bias, "later": np.full(2, np.nan)}
    assert not_finite(arrays) == "bias"
    with pytest.raises(Diverged) as caught:
        require_finite(arrays, step=4)
    assert (caught.value.where, caught.value.step) == ("bias", 4)
    assert str(caught.value) == "diverged at step 4: bias is not finite"
