"""The numbers behind the figures, by hand, and the tables that they come from."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from example_tables import mbac, selected, synthetic

from vaml.analysis.tables.aggregates import fit_errors, learning_curves, mean_and_sd, read_table
from vaml.files import UnreadableFile, write_rows


@pytest.mark.parametrize(("ddof", "sd"), [(0, math.sqrt(8 / 3)), (1, 2.0)])
def test_mean_and_sd_by_hand(ddof: int, sd: float) -> None:
    rows = pd.DataFrame({"group": ["b"] * 3 + ["a"], "x": [1.0, 3.0, 5.0, 7.0]})
    summary = mean_and_sd(rows, ["group"], "x", ddof)
    assert list(summary["group"]) == ["b", "a"]
    assert list(summary["mean"]) == [3.0, 7.0]
    assert list(summary["n"]) == [3, 1]
    assert summary["sd"].to_list()[0] == pytest.approx(sd)
    assert math.isnan(summary["sd"].to_list()[1])


def test_a_value_that_is_not_finite_is_left_out_and_not_counted() -> None:
    rows = pd.DataFrame({"group": list("aaabb"), "x": [1.0, math.inf, 3.0, math.nan, -math.inf]})
    summary = mean_and_sd(rows, ["group"], "x", ddof=0)
    assert summary["mean"].to_list()[0] == 2.0
    assert summary["sd"].to_list()[0] == 1.0
    assert list(summary["n"]) == [2, 0]
    assert summary["mean"].isna().to_list() == [False, True]


def test_figure_1_has_the_population_sd_over_seeds() -> None:
    row = selected(fit_errors(synthetic()), setting="realizable", hidden_size=32, objective="mle")
    assert row["mean"].to_list() == [43.0]
    assert row["sd"].to_list() == [pytest.approx(math.sqrt(8 / 3))]
    assert row[["n", "jobs", "diverged"]].to_numpy().tolist() == [[3, 3, 0]]


def test_a_runs_return_is_the_mean_over_its_episodes() -> None:
    frames = mbac()
    curves = learning_curves(frames["mbac"], frames["mbac_returns"], frames["mbac_fits"])
    returns = selected(curves, environment="Pusher-v4", agent="mle", metric="average_return")
    # Over single episodes the SD would be larger, and n would be 6.
    assert returns[["env_step", "mean", "sd", "n"]].to_numpy().tolist() == [
        [200, 101, 2, 3],
        [1000, 101, 2, 3],
    ]
    nll = selected(curves, environment="Pusher-v4", agent="mle", metric="nll")
    assert nll[["env_step", "mean", "sd"]].to_numpy().tolist() == [[200, -1, 2], [400, -3, 2]]
    error = selected(curves, environment="Pusher-v4", agent="mle", metric="value_aware_error")
    assert error["mean"].to_list() == [3, 5]


def test_read_table_gives_back_what_was_written(tmp_path: Path) -> None:
    columns = ["objective", "seed", "value_aware_error", "diverged_step"]
    rows = [
        {"objective": "nan", "seed": 3, "value_aware_error": 0.1 + 0.2, "diverged_step": None},
        {"objective": "1e5", "seed": 4, "value_aware_error": None, "diverged_step": 7},
        {"objective": "mle", "seed": 5, "value_aware_error": math.inf, "diverged_step": None},
    ]
    write_rows(tmp_path / "table.csv", columns, rows)
    table = read_table(tmp_path / "table.csv")
    assert list(table.columns) == columns
    assert list(table["objective"]) == ["nan", "1e5", "mle"]
    assert table["seed"].dtype == np.int64
    assert table["value_aware_error"].to_list()[::2] == [0.1 + 0.2, math.inf]
    assert table["value_aware_error"].isna().to_list() == [False, True, False]
    assert table["diverged_step"].isna().to_list() == [True, False, True]


def test_read_table_of_a_header_alone_is_empty(tmp_path: Path) -> None:
    write_rows(tmp_path / "table.csv", ["objective", "seed"], [])
    table = read_table(tmp_path / "table.csv")
    assert list(table.columns) == ["objective", "seed"]
    assert len(table) == 0


@pytest.mark.parametrize("text", ["", "seed\n1,2\n", "seed,step\n1\n", "seed\nmany\n"])
def test_what_is_no_table_is_refused_by_name(text: str, tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(UnreadableFile, match=r"table\.csv: not a table"):
        read_table(path)
