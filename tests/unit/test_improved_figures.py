"""The figures with single seeds, and those of training: drawn is what the rows hold."""

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from example_tables import SETTINGS, mbac, published, sac, selected, snapshots, synthetic, tables
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from vaml.analysis.figures.draw import draw
from vaml.analysis.figures.panels import set_scale
from vaml.pipeline.figures import FIGURES

PAPER = ("figure_1", "figure_2", "figure_3")
OURS = [name for name in FIGURES if name not in PAPER]
# Of the deviates -1, 1, 3: Student's t with 2 degrees of freedom, standard error 2 / √3.
REACH = 4.302653 * 2 / math.sqrt(3)


def note(figure: Figure) -> str:
    (text,) = [text for text in figure.texts if text.get_gid() == "note"]
    return text.get_text().replace("\n", " ")


def legend(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def drawn_values(axes: Axes) -> list[float]:
    """The heights of all lines and markers, and of the levels that are drawn as segments."""
    heights = [np.ravel(np.asarray(line.get_ydata(), np.float64)) for line in axes.lines]
    for each in axes.collections:
        if isinstance(each, LineCollection) and each.get_gid() == "floor":
            heights += [np.asarray(segment)[:, 1] for segment in each.get_segments()]
    return np.concatenate(heights).tolist()


@pytest.mark.parametrize("name", OURS)
def test_the_rows_are_exactly_what_is_drawn(name: str) -> None:
    figure, rows = draw(name, tables(), SETTINGS)
    drawn = {round(value, 9) for axes in figure.axes for value in drawn_values(axes)}
    assert drawn == {round(value, 9) for value in rows["value"]}
    assert len(rows) == len(rows.drop_duplicates())


@pytest.mark.slow
@pytest.mark.parametrize("name", OURS)
def test_each_figure_says_its_study_and_its_failures(name: str) -> None:
    figure, _ = draw(name, tables(), SETTINGS)
    assert "tiny" in note(figure)
    assert "diverged" in note(figure)
    assert "n = " in note(figure)
    figure.draw_without_rendering()
    box = figure.legends[0].get_window_extent()
    assert figure.bbox.x0 <= box.x0 <= box.x1 <= figure.bbox.x1


def test_the_interval_is_students_of_the_mean_over_seeds() -> None:
    figure, rows = draw("figure_1_seeds", tables(), SETTINGS)
    (mean,) = selected(
        rows,
        kind="mean",
        metric="value_aware_error",
        setting="realizable",
        hidden_size=32,
        objective="mle",
    ).to_dict("records")
    assert mean["value"] == 43
    assert mean["n"] == 3
    assert [mean["low"], mean["high"]] == pytest.approx([43 - REACH, 43 + REACH])
    assert "95 % t interval of the mean" in note(figure)
    assert "n = 3 seeds" in note(figure)
    narrow = SETTINGS.model_copy(update={"confidence": 0.5})
    _, rows = draw("figure_1_seeds", tables(), narrow)
    means = selected(rows, kind="mean", metric="value_aware_error")
    np.testing.assert_allclose(means["high"] - means["value"], 0.816497 * 2 / math.sqrt(3), 1e-6)


def test_errors_are_divided_by_the_true_dynamics_of_the_same_seed() -> None:
    _, rows = draw("figure_1_seeds", tables(), SETTINGS)
    ratios = selected(
        rows,
        kind="seed",
        metric="error_ratio",
        setting="unrealizable",
        hidden_size=32,
        objective="mle",
    )
    assert ratios["value"].tolist() == [41 / 30, 43 / 34, 45 / 38]
    assert set(selected(rows, kind="floor", metric="error_ratio")["value"]) == {1.0}


def test_the_floor_is_a_mean_over_seeds_and_is_named() -> None:
    figure, rows = draw("figure_1_seeds", tables(), SETTINGS)
    floor = selected(rows, kind="floor", metric="value_aware_error")
    assert floor["value"].tolist() == [66, 34, 66, 34]  # size + 2 × the mean deviate
    assert "the true dynamics under the same metric" in legend(figure)
    figure, rows = draw("figure_2_seeds", tables(), SETTINGS)
    floor = selected(rows, kind="floor", environment="Hopper-v4")
    assert floor["value"].tolist() == [1.4 + 0.5, 2.4 + 0.5]
    assert "action-sampling floor" in legend(figure)
    _, rows = draw("figure_3_seeds", tables(), SETTINGS)
    assert set(selected(rows, kind="floor")["value"]) == {1.5}
    assert set(selected(rows, kind="floor")["metric"]) == {"value_aware_error"}


def test_a_floor_counts_each_seed_once_also_where_fits_diverged() -> None:
    fits = snapshots()
    lost = selected(fits, seed=1, objective="mle").index
    fits.loc[lost, ["action_sampling_floor", "value_aware_error"]] = math.nan
    _, rows = draw("figure_2_seeds", tables() | {"snapshots": fits}, SETTINGS)
    floor = selected(rows, kind="floor", environment="Walker2d-v4")
    assert floor["value"].tolist() == [1.4 + 0.5, 2.4 + 0.5]


def test_lines_bands_and_crosses_are_where_the_rows_say() -> None:
    figure, rows = draw("figure_2_seeds", tables(), SETTINGS)
    assert [axes.get_title() for axes in figure.axes] == ["Walker2d-v4", "Hopper-v4"]
    for axes in figure.axes:
        panel = selected(rows, environment=axes.get_title())
        lines = [np.column_stack([*line.get_data()]).tolist() for line in axes.lines]
        for objective in ("mle", "vaml"):
            mine = selected(panel, objective=objective)
            for seed in (0, 1):
                one = selected(mine, kind="seed", seed=seed)
                assert one[["step", "value"]].to_numpy(float).tolist() in lines
            mean = selected(mine, kind="mean")
            assert mean[["step", "value"]].to_numpy(float).tolist() in lines
            (band,) = [each for each in axes.collections if each.get_label() == objective]
            corners = {tuple(corner) for corner in np.asarray(band.get_paths()[0].vertices)}
            for side in ("low", "high"):
                assert corners >= set(zip(mean["step"], mean[side], strict=True))
        theirs = [line for line in axes.lines if line.get_gid() == "authors"]
        heights = [np.asarray(line.get_ydata()).tolist() for line in theirs]
        assert heights == [[28.0], []]
        assert [line.get_marker() for line in theirs] == ["o", "^"]


def test_the_authors_numbers_are_theirs_and_only_where_we_have_something() -> None:
    figure, rows = draw("figure_1_seeds", tables(), SETTINGS)
    theirs = selected(rows, kind="authors")
    assert set(theirs["hidden_size"]) == {32}
    assert set(theirs["metric"]) == {"value_aware_error"}
    assert theirs[["value", "low", "high"]].to_numpy(float).tolist() == [[33.0, 32.5, 33.5]] * 2
    assert "authors’ values, by shape" in legend(figure)
    figure, rows = draw("figure_2_seeds", tables(), SETTINGS)
    theirs = selected(rows, kind="authors")
    assert theirs[["environment", "step", "objective"]].to_numpy().tolist() == [
        ["Walker2d-v4", 14000, "mle"],
        ["Hopper-v4", 14000, "mle"],
    ]
    assert "Walker2d-v3, Hopper-v3" in note(figure)
    figure, rows = draw("figure_3_seeds", tables(), SETTINGS)
    theirs = selected(rows, kind="authors", environment="Pusher-v4", agent="reg_vaml")
    # An error of 0.25, read to within 0.5, is only known to be small.
    assert theirs[["metric", "env_step", "value"]].to_numpy().tolist() == [
        ["average_return", 400, 90.0],
        ["average_return", 1000, 90.0],
        ["nll", 400, -3.0],
        ["nll", 1000, -3.0],
    ]
    assert "Pusher-v2" in note(figure)


def test_a_study_beyond_the_authors_numbers_shows_none() -> None:
    theirs = published()["published_figure_2"].assign(step=10**6)
    figure, rows = draw("figure_2_seeds", tables() | {"published_figure_2": theirs}, SETTINGS)
    assert "authors" not in set(rows["kind"])
    assert "authors’ values, by shape" not in legend(figure)
    assert "No published value of the authors lies within what is shown here" in note(figure)


@pytest.mark.slow
def test_means_of_few_seeds_have_no_interval() -> None:
    few = SETTINGS.model_copy(update={"minimum_seeds": 4})
    for name in OURS:
        figure, rows = draw(name, tables(), few)
        assert rows.loc[rows["kind"] != "authors", ["low", "high"]].isna().all(axis=None)
        if "mean" in set(rows["kind"]):
            assert ": none, as n < 4 or all values are the same" in note(figure)
    enough = SETTINGS.model_copy(update={"minimum_seeds": 3})
    _, rows = draw("figure_1_seeds", tables(), enough)
    assert rows.loc[rows["kind"] == "mean", "low"].notna().all()


def test_on_a_log_axis_means_and_intervals_are_of_logarithms() -> None:
    found = tables()
    numbers = 10.0 ** found["mbac_fits"]["seed"]
    found["mbac_fits"] = found["mbac_fits"].assign(value_aware_error=numbers)
    figure, rows = draw("figure_3_seeds", found, SETTINGS)
    chosen = {"kind": "mean", "metric": "value_aware_error", "env_step": 400}
    means = selected(rows, **chosen)
    # Of the logarithms 0, 1, 2 to base 10: standard error 1 / √3.
    reach = 10 ** (4.302653 / math.sqrt(3))
    np.testing.assert_allclose(means["value"], 10)
    np.testing.assert_allclose(means["low"], 10 / reach, rtol=1e-5)
    np.testing.assert_allclose(means["high"], 10 * reach, rtol=1e-5)
    assert figure.axes[1].get_yscale() == "log"
    assert figure.axes[0].get_yscale() == "linear"
    assert "on log axes means and intervals are taken in logs" in note(figure)


def test_one_seed_has_no_interval() -> None:
    one = {"synthetic": synthetic(seeds=1), **published(), **mbac(seeds=1), **sac(seeds=1)}
    for name, what in (
        ("figure_1_seeds", "Bars"),
        ("figure_3_seeds", "Bands"),
        ("sac_returns", "Bands"),
    ):
        figure, rows = draw(name, one, SETTINGS)
        assert rows.loc[rows["kind"] != "authors", ["low", "high"]].isna().all(axis=None)
        assert f"{what}: none" in note(figure)


def test_a_diverged_fit_is_counted_and_not_drawn() -> None:
    fits = synthetic()
    lost = selected(fits, setting="realizable", hidden_size=32, seed=2, objective="mle").index
    fits.loc[lost, "status"] = "diverged"
    fits.loc[lost, "value_aware_error"] = math.inf
    figure, rows = draw("figure_1_seeds", tables() | {"synthetic": fits}, SETTINGS)
    mean = selected(
        rows, kind="mean", setting="realizable", hidden_size=32, objective="mle"
    ).set_index("metric")
    assert mean.loc["value_aware_error", ["value", "n"]].tolist() == [42, 2]
    assert mean.loc["error_ratio", "n"] == 2
    assert "n = 2 to 3 seeds" in note(figure)
    assert "1 of 36 fits diverged" in note(figure)


@pytest.mark.parametrize(("name", "table"), [("figure_1", "synthetic"), ("figure_2", "snapshots")])
def test_one_method_far_off_does_not_flatten_the_others(name: str, table: str) -> None:
    fits = tables()[table]
    far = fits["objective"] == "vaml"
    fits.loc[far, "value_aware_error"] = 1000 * fits.loc[far, "value_aware_error"]
    figure, _ = draw(name, tables() | {table: fits}, SETTINGS)
    assert "The axis is linear up to" in note(figure)
    for axes in figure.axes:
        assert axes.get_ylim()[0] == 0
        low, high = axes.transData.transform([(0, 14), (0, 25)])[:, 1] / axes.bbox.height
        assert high - low > 0.03


def test_scales_follow_the_values() -> None:
    axes = Figure().subplots()
    set_scale(axes, np.array([1.0, 20.0, math.nan]))
    assert axes.get_yscale() == "linear"
    set_scale(axes, np.array([0.001, 5.0]))
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert 0 < low < 0.001
    assert 5.0 < high < 50
    axes = Figure().subplots()
    set_scale(axes, np.array([-30.0, -20.0, -25.0, 3e16]))
    assert axes.get_yscale() == "symlog"
    assert axes.get_ylim()[0] < -30.0
    for values in ([], [math.nan], [0.0, 0.0], [-3.0]):
        set_scale(Figure().subplots(), np.array(values))


def five_objectives(far: float) -> pd.DataFrame:
    """Experiment A with two more objectives, `last` with so many times the error of `other`."""
    fits = synthetic()
    other = fits.loc[fits["objective"] == "vaml"].assign(objective="other")
    last = other.assign(objective="last", value_aware_error=far * other["value_aware_error"])
    return pd.concat([fits, other, last], ignore_index=True)


FIVE = SETTINGS.model_copy(update={"objectives": ["mle", "vaml", "exact", "other", "last"]})


@pytest.mark.parametrize("name", ["figure_1_seeds", "why_synthetic"])
def test_one_method_far_above_the_others_does_not_flatten_them(name: str) -> None:
    figure, rows = draw(name, tables() | {"synthetic": five_objectives(100.0)}, FIVE)
    fits = five_objectives(100.0)
    others: Any = fits.loc[fits["objective"] != "last", "value_aware_error"]
    axes = figure.axes[0]
    low, high = axes.get_ylim()
    assert low < others.min()
    assert others.max() < high < 2 * others.max()
    above = [line for line in axes.lines if line.get_gid() == "above"]
    marks = [line for line in above if np.size(line.get_xdata())]
    assert {line.get_color() for line in marks} == {FIVE.methods(FIVE.objectives).colours["last"]}
    assert sum(np.size(line.get_xdata()) for line in marks) == 2  # one for each hidden size
    assert "Triangles: means above the panel, of last; the CSV file has them." in note(figure)
    assert rows.loc[rows["objective"] == "last", "value"].max() > 100


def test_a_method_a_little_above_the_others_stays_in_the_panel() -> None:
    fits: Any = five_objectives(4.0)
    figure, _ = draw("figure_1_seeds", tables() | {"synthetic": fits}, FIVE)
    assert figure.axes[0].get_ylim()[1] > fits["value_aware_error"].max()
    assert "Triangles" not in note(figure)
    # Three methods are all a figure's subject, however far apart.
    three: Any = synthetic()
    three.loc[three["objective"] == "exact", "value_aware_error"] *= 100.0
    figure, _ = draw("figure_1_seeds", tables() | {"synthetic": three}, SETTINGS)
    assert figure.axes[0].get_ylim()[1] > three["value_aware_error"].max()


def test_a_tables_decades_are_on_a_log_axis_with_every_value_inside() -> None:
    fits = snapshots()
    fits.loc[0, "value_aware_error"] = 1e9
    figure, _ = draw("figure_2_seeds", tables() | {"snapshots": fits}, SETTINGS)
    # The panels of one quantity share their axis.
    assert {axes.get_yscale() for axes in figure.axes} == {"log"}
    for axes in figure.axes:
        low, high = axes.get_ylim()
        values = [value for value in drawn_values(axes) if math.isfinite(value)]
        assert low < min(values) <= max(values) < high


def test_a_return_is_a_mean_over_episodes_and_a_run_counts_once() -> None:
    figure, rows = draw("sac_returns", tables(), SETTINGS)
    seeds = selected(rows, kind="seed", environment="Hopper-v4", env_step=600)
    assert seeds["value"].tolist() == [599, 601, 603]
    mean = selected(rows, kind="mean", environment="Hopper-v4", env_step=600)
    assert mean[["value", "n"]].to_numpy().tolist() == [[601, 3]]
    assert "mean of 2 episodes" in note(figure)
    _, rows = draw("figure_3_seeds", tables(), SETTINGS)
    seeds = selected(
        rows, kind="seed", environment="Pusher-v4", metric="average_return", agent="mle"
    )
    assert seeds["value"].tolist() == [99, 99, 101, 101, 103, 103]


@pytest.mark.parametrize(
    ("name", "panels", "agents"), [("training_sac", 2 * 6, 1), ("training_mbac", 2 * 7, 2)]
)
def test_training_is_shown_by_number_and_run(name: str, panels: int, agents: int) -> None:
    figure, rows = draw(name, tables(), SETTINGS)
    assert len(figure.axes) == panels
    assert len({axes.get_ylabel() for axes in figure.axes} - {""}) == panels // 2
    values = selected(rows, kind="seed", metric="value", env_step=rows["env_step"].max())
    step = rows["env_step"].max()
    assert sorted(values["value"]) == sorted([step / 8 + d for d in (-1, 1, 3)] * 2 * agents)
    mean = selected(rows, kind="mean", metric="value", env_step=step)
    assert mean[["value", "n"]].to_numpy().tolist() == [[step / 8 + 1, 3]] * 2 * agents
    assert "n = 3 runs" in note(figure)


@pytest.mark.parametrize(
    ("name", "panels"), [("fit_curves_synthetic", 2 * 3), ("fit_curves_snapshots", 2 * 2)]
)
def test_every_fit_has_its_loss_curve(name: str, panels: int) -> None:
    figure, rows = draw(name, tables(), SETTINGS)
    assert len(figure.axes) == panels
    assert figure.axes[0].get_title().endswith(": VAML" if panels == 6 else ": MLE")
    fits = len(rows) // 2
    curves = [np.asarray(line.get_ydata()).tolist() for axes in figure.axes for line in axes.lines]
    assert len(curves) == fits
    assert all(curve in ([2.0, 1.0], [3.0, 2.0], [4.0, 3.0]) for curve in curves)


def test_a_fit_of_one_epoch_is_a_dot() -> None:
    found = tables()
    found["synthetic_curves"] = (
        found["synthetic_curves"]
        .groupby(["setting", "objective", "hidden_size", "seed"], as_index=False)
        .first()
    )
    figure, _ = draw("fit_curves_synthetic", found, SETTINGS)
    lines = [line for axes in figure.axes for line in axes.lines]
    assert {(np.size(line.get_xdata()), str(line.get_marker())) for line in lines} == {(1, ".")}
    figure, _ = draw("fit_curves_synthetic", tables(), SETTINGS)
    assert {str(line.get_marker()) for axes in figure.axes for line in axes.lines} == {""}


def test_sigma_is_shown_beside_the_true_one() -> None:
    found = tables()
    wider = found["synthetic"]["true_sigma_l1"] + found["synthetic"]["hidden_size"] / 64
    found["synthetic"] = found["synthetic"].assign(true_sigma_l1=wider)
    figure, rows = draw("model_sigma", found, SETTINGS)
    titles = [axes.get_title() for axes in figure.axes]
    assert titles == [
        "A: Unrealizable",
        "A: Realizable",
        "B: Walker2d-v4",
        "B: Hopper-v4",
        "C: InvertedPendulum-v4",
        "C: Pusher-v4",
    ]
    # Each size has true dynamics of its own: 10 over the seeds, and here a 64th of the size.
    floors = selected(rows, kind="floor")
    assert floors["hidden_size"].tolist() == [64, 32, 64, 32]
    assert floors["value"].tolist() == [11.0, 10.5, 11.0, 10.5]
    dotted = [line for line in figure.axes[0].lines if len(set(np.asarray(line.get_ydata()))) == 1]
    assert {float(np.asarray(line.get_ydata())[0]) for line in dotted} >= {11.0, 10.5}
    assert "the true dynamics’ σ, by size" in legend(figure)
    fits = selected(rows, experiment="A", kind="seed", x=2)
    assert sorted(set(fits["value"])) == [2.0, 3.0, 4.0]
    assert set(selected(rows, experiment="C", kind="mean")["value"]) == {2.0}
    assert not [text for axes in figure.axes for text in axes.texts]  # no panel is without a value


def test_experiments_with_different_numbers_of_panels_fit_in_one_figure() -> None:
    everything = tables()
    for name in ("synthetic", "synthetic_curves"):
        everything[name] = selected(everything[name], setting="realizable")
    figure, _ = draw("model_sigma", everything, SETTINGS)
    assert [axes.get_title()[:2] for axes in figure.axes] == ["A:", "B:", "B:", "C:", "C:"]


def test_an_agent_or_objective_without_any_value_does_not_stop_the_figure() -> None:
    everything = tables()
    fits = everything["mbac_fits"]
    everything["mbac_fits"] = fits.loc[fits["agent"] != "mle"]
    everything["mbac"].loc[everything["mbac"]["agent"] == "mle", "status"] = "diverged"
    figure, rows = draw("figure_3_seeds", everything, SETTINGS)
    assert legend(figure)[:2] == ["MLE", "reg-VAML"]
    assert "6 of 12 runs diverged" in note(figure)
    assert not len(selected(rows, kind="mean", metric="nll", agent="mle"))
    everything["snapshots"] = everything["snapshots"].assign(value_aware_error=math.nan)
    assert isinstance(draw("figure_2_seeds", everything, SETTINGS)[1], pd.DataFrame)
