"""The README's picture of experiment A: its lines stand where its rows and its legend say."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.figure import Figure

from vaml.analysis.figures import first_page
from vaml.analysis.figures.rows import Bands
from vaml.analysis.tables.aggregates import read_table

STUDIES = ("paper", "moving", "small", "still_small")
BANDS = Bands(0.95, 4)
WHY = Path(__file__).parents[2] / "paper" / "published" / "why"
TABLES = ("synthetic.csv", "equal_terms/synthetic.csv")


def test_each_line_has_its_level_and_its_rows() -> None:
    fits, equal_terms = (read_table(WHY / each) for each in TABLES)
    figure, rows = first_page.exact_error(fits, equal_terms, BANDS)
    assert isinstance(figure, Figure)
    plotted, exact = (axes.lines for axes in figure.axes)
    # Maximum likelihood, and the true mean: with K = 10 its own samples add a tenth of the noise.
    levels = [float(line.get_ydata()[0]) for line in plotted[:2]]  # type: ignore[index]
    assert levels == [1.0, pytest.approx(10 / 11)]
    assert float(exact[0].get_ydata()[0]) == 1.0  # type: ignore[index]
    for metric, lines in (("value_aware_error", plotted[2:]), ("exact_error", exact[1:])):
        assert [line.get_label() for line in lines] == [
            "VAML",
            "regularised VAML",
            "VAML with exact targets",
            "maximum likelihood with exact targets",
        ]
        shown = ("vaml", "reg_vaml", "vaml_exact", "mle_exact")
        for objective, line in zip(shown, lines, strict=True):
            own = rows.loc[(rows["metric"] == metric) & (rows["objective"] == objective)]
            assert list(line.get_xdata()) == list(own["hidden_size"])  # type: ignore[call-overload]
            assert list(line.get_ydata()) == list(own["value"])  # type: ignore[call-overload]


def test_the_ratio_on_equal_terms_is_that_of_the_fits() -> None:
    fits = read_table(WHY / "equal_terms" / "synthetic.csv")
    figure, rows = first_page.equal_terms(dict.fromkeys(STUDIES, fits), BANDS)
    assert isinstance(figure, Figure)
    errors = fits.pivot(
        index=["setting", "hidden_size", "seed"], columns="objective", values="exact_error"
    )
    logs: Any = np.log(errors["vaml_exact"] / errors["mle_exact"])
    expected = np.exp(logs.groupby(["setting", "hidden_size"]).mean())
    for axes, setting in zip(figure.axes, ("realizable", "unrealizable"), strict=True):
        level, *lines = axes.lines
        assert float(level.get_ydata()[0]) == 1.0  # type: ignore[index]
        assert len(lines) == len(STUDIES)
        for line in lines:
            assert list(line.get_xdata()) == list(expected[setting].index)  # type: ignore[call-overload]
            assert line.get_ydata() == pytest.approx(expected[setting].to_numpy())
    assert set(rows["n"]) == {5}
