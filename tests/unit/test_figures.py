"""Figures: what is drawn and said is exactly what the rows behind them hold."""

import math

import numpy as np
import pandas as pd
import pytest
from example_tables import SETTINGS, mbac, selected, snapshots, synthetic, tables
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.container import BarContainer
from matplotlib.figure import Figure

from vaml.analysis.figures import by_seed, paper, training, why
from vaml.analysis.figures.draw import draw
from vaml.analysis.figures.style import Methods, thousands
from vaml.pipeline.figures import FIGURES

NAN = math.nan


def note(figure: Figure) -> str:
    (text,) = [text for text in figure.texts if text.get_gid() == "note"]
    return text.get_text().replace("\n", " ")


def artificial(fits: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The tables of figure 1, with these fits."""
    return tables() | {"synthetic": fits}


def titled(figure: Figure) -> dict[str, list[Axes]]:
    panels: dict[str, list[Axes]] = {}
    for axes in figure.axes:
        panels.setdefault(axes.get_title(), []).append(axes)
    return panels


def errors_at(axes: Axes) -> list[tuple[BarContainer, np.ndarray]]:
    """Each bar group with the lower and upper ends of its error bars, (bars, 2)."""
    groups = [each for each in axes.containers if isinstance(each, BarContainer)]
    assert all(group.errorbar is not None for group in groups)
    return [
        (group, np.array([line[:, 1] for line in group.errorbar.lines[2][0].get_segments()]))
        for group in groups
        if group.errorbar is not None
    ]


def test_figure_1_says_its_study_n_and_interval() -> None:
    figure, _ = draw("figure_1", artificial(synthetic()), SETTINGS)
    assert "n = 3 seeds" in note(figure)
    assert "±1 population standard deviation" in note(figure)
    assert "tiny" in note(figure)
    assert "0 of 36 fits diverged" in note(figure)


def test_the_bars_and_their_error_bars_are_the_rows() -> None:
    figure, rows = draw("figure_1", artificial(synthetic()), SETTINGS)
    assert [axes.get_title() for axes in figure.axes] == ["Unrealizable", "Realizable"]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["VAML", "exact", "MLE"]
    for axes in figure.axes:
        assert [tick.get_text() for tick in axes.get_xticklabels()] == ["64", "32"]
        assert axes.get_ylim()[0] == 0
        groups = errors_at(axes)
        for (bars, ends), objective in zip(groups, ["vaml", "exact", "mle"], strict=True):
            shown = selected(rows, setting=axes.get_title().lower(), objective=objective)
            mean, sd = shown["mean"].to_numpy(), shown["sd"].to_numpy()
            assert [bar.get_height() for bar in bars] == list(mean)
            np.testing.assert_allclose(ends, np.stack([mean - sd, mean + sd], axis=1))
        lefts = [[bar.get_x() for bar in bars] for bars, _ in groups]
        assert np.diff(np.array(lefts).T.ravel()).min() > 0  # groups in order, bars side by side


@pytest.mark.parametrize("name", ["figure_1", "figure_1_seeds"])
def test_of_more_objectives_than_have_room_figure_1_shows_the_authors(name: str) -> None:
    fits = synthetic()
    exact = fits.loc[fits["objective"] == "exact"]
    names = ["third", "fourth", "fifth"]
    further = [exact.assign(objective=each) for each in names]
    settings = SETTINGS.model_copy(update={"objectives": [*SETTINGS.objectives, *names]})
    said = "Shown in why_synthetic alone, for want of room: VAML; exact; third; fourth; fifth."
    figure, rows = draw(name, artificial(pd.concat([fits, *further])), settings)
    assert set(rows["objective"].dropna()) == {"mle"}
    assert said in note(figure)
    figure, rows = draw(name, artificial(pd.concat([fits, *further[:2]])), settings)
    assert len(set(rows["objective"].dropna())) == 5
    assert "for want of room" not in note(figure)
    nothing = {"published_figure_1": tables()["published_figure_1"].assign(objective="other")}
    _, rows = draw(name, artificial(pd.concat([fits, *further])) | nothing, settings)
    assert len(set(rows["objective"].dropna())) == 6


def test_a_diverged_fit_is_counted_and_has_no_part_in_the_mean() -> None:
    fits = synthetic()
    first = selected(fits, setting="realizable", hidden_size=32, seed=2, objective="mle").index
    fits.loc[first, "status"] = "diverged"
    fits.loc[first, "value_aware_error"] = NAN
    other = selected(fits, setting="realizable", hidden_size=64, seed=0, objective="vaml").index
    fits.loc[other, "value_aware_error"] = NAN
    figure, rows = draw("figure_1", artificial(fits), SETTINGS)
    row = selected(rows, setting="realizable", hidden_size=32, objective="mle")
    assert row[["mean", "sd", "n", "jobs", "diverged"]].to_numpy().tolist() == [[42, 1, 2, 3, 1]]
    assert "n = 2 to 3 seeds" in note(figure)
    assert "1 of 36 fits diverged; 1 more have no finite error" in note(figure)


def test_a_bar_whose_fits_all_diverged_keeps_its_row() -> None:
    fits = synthetic()
    lost = selected(fits, setting="realizable", objective="vaml").index
    fits.loc[lost, "status"] = "diverged"
    fits.loc[lost, "value_aware_error"] = NAN
    figure, rows = draw("figure_1", artificial(fits), SETTINGS)
    assert selected(rows, setting="realizable", objective="vaml")["n"].to_list() == [0, 0]
    assert len(rows) == 12
    assert "6 of 36 fits diverged" in note(figure)


def test_one_seed_has_no_interval() -> None:
    figure, rows = draw("figure_1", artificial(synthetic(seeds=1)), SETTINGS)
    assert np.isnan(rows["sd"].to_numpy()).all()
    assert "n = 1 seed." in note(figure)
    assert "Error bars: none" in note(figure)
    figure, rows = draw("figure_3", mbac(seeds=1), SETTINGS)
    assert np.isnan(rows["sd"].to_numpy()).all()
    assert "Bands: none" in note(figure)


def test_figure_2_has_one_point_per_fit() -> None:
    fits = snapshots()
    failed = selected(fits, environment="Hopper-v4", seed=1, step=24000, objective="vaml").index
    fits.loc[failed, "status"] = "diverged"
    fits.loc[failed, "value_aware_error"] = NAN
    figure, rows = draw("figure_2", {"snapshots": fits}, SETTINGS)
    assert len(rows) == 16
    panels = titled(figure)
    assert list(panels) == ["Walker2d-v4", "Hopper-v4"]
    for environment, (axes,) in panels.items():
        shown = selected(rows, environment=environment).dropna()
        (points,) = axes.collections
        assert isinstance(points, PathCollection)
        drawn = np.asarray(points.get_offsets())
        assert drawn.tolist() == shown[["step", "value_aware_error"]].to_numpy().tolist()
        colours = Methods(["mle", "vaml"], [], {}).colours
        expected = [colours[name] for name in shown["objective"]]
        np.testing.assert_allclose(np.asarray(points.get_edgecolor())[:, :3], expected)
        assert axes.get_yscale() == "linear"
    assert "n = 2 SAC runs per environment" in note(figure)
    assert "1 of 16 fits diverged" in note(figure)
    (low, high) = figure.axes[0].get_ylim()
    assert low == 0
    assert high > np.nanmax(rows["value_aware_error"].to_numpy(np.float64))


def test_the_lines_and_bands_are_the_rows() -> None:
    figure, rows = draw("figure_3", mbac(), SETTINGS)
    environments = ["InvertedPendulum-v4", "Pusher-v4"]
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == environments
    for i, environment in enumerate(environments):
        row = figure.axes[3 * i : 3 * i + 3]
        for axes, metric in zip(row, ["average_return", "value_aware_error", "nll"], strict=True):
            assert metric.split("_")[-1] in axes.get_title().lower()
            lines = {line.get_label(): line for line in axes.lines}
            bands = {str(band.get_label()): band for band in axes.collections}
            assert list(lines) == list(bands) == ["mle", "reg_vaml"]
            for agent, line in lines.items():
                shown = selected(rows, environment=environment, metric=metric, agent=agent)
                mean, sd = shown["mean"].to_numpy(), shown["sd"].to_numpy()
                np.testing.assert_array_equal(line.get_xdata(), shown["env_step"])
                np.testing.assert_array_equal(line.get_ydata(), mean)
                corners = bands[str(agent)].get_paths()[0].vertices
                ends = {(step, number) for step, number in np.asarray(corners)}
                assert ends >= set(zip(shown["env_step"], mean - sd, strict=True))
                assert ends >= set(zip(shown["env_step"], mean + sd, strict=True))
    assert "n = 3" in note(figure)
    assert "±1 sample standard deviation" in note(figure)
    assert "0 of 12 runs diverged" in note(figure)


def test_a_diverged_run_counts_up_to_where_it_diverged() -> None:
    frames = mbac()
    run = {"environment": "Pusher-v4", "agent": "reg_vaml", "seed": 2}
    frames["mbac"].loc[selected(frames["mbac"], **run).index, "status"] = "diverged"
    for name, last in (("mbac_returns", 200), ("mbac_fits", 0)):
        after = frames[name]["env_step"].to_numpy() > last
        lost = selected(frames[name].loc[after], **run).index
        frames[name] = frames[name].drop(lost)
    figure, rows = draw("figure_3", frames, SETTINGS)
    curve = selected(rows, environment="Pusher-v4", agent="reg_vaml", metric="average_return")
    assert curve["n"].to_list() == [3, 2]
    assert curve["mean"].to_list() == [101, 100]
    assert "1 of 12 runs diverged" in note(figure)
    assert "InvertedPendulum-v4: n = 3; Pusher-v4: n = 2 to 3" in note(figure)


def test_an_agent_without_any_result_is_in_the_legend_and_counted() -> None:
    frames = mbac()
    frames["mbac"].loc[frames["mbac"]["agent"] == "mle", "status"] = "diverged"
    for name in ("mbac_returns", "mbac_fits"):
        frames[name] = selected(frames[name], agent="reg_vaml")
    figure, _ = draw("figure_3", frames, SETTINGS)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["MLE", "reg-VAML"]
    assert "6 of 12 runs diverged" in note(figure)


def test_a_fit_without_a_finite_value_is_counted() -> None:
    frames = mbac()
    frames["mbac_fits"].loc[0, "nll"] = math.inf
    figure, rows = draw("figure_3", frames, SETTINGS)
    assert np.isfinite(rows["mean"]).all()
    assert "1 of 24 model fits have no finite value" in note(figure)


def test_a_single_environment_is_drawn() -> None:
    one = {"snapshots": selected(snapshots(), environment="Hopper-v4")}
    figure, _ = draw("figure_2", one, SETTINGS)
    assert list(titled(figure)) == ["Hopper-v4"]
    frames = {name: selected(rows, environment="Pusher-v4") for name, rows in mbac().items()}
    figure, _ = draw("figure_3", frames, SETTINGS)
    assert [axes.get_ylabel() for axes in figure.axes] == ["Pusher-v4", "", ""]


def test_an_objective_looks_the_same_wherever_it_appears() -> None:
    everywhere = Methods(["mle", "exact", "other"], ["exact", "mle", "other"], {})
    alone = Methods(["other"], ["exact", "mle", "other"], {"vaml": "VAML"})
    assert alone.colours["other"] == everywhere.colours["other"]
    assert alone.markers["other"] == everywhere.markers["other"]
    assert len(set(everywhere.colours.values())) == 3
    assert Methods(["mle"], [], {}).colours["mle"] == everywhere.colours["mle"]
    assert [alone.label(name) for name in ("reg_vaml", "vaml", "other")] == [
        "reg_vaml",
        "VAML",
        "other",
    ]


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0"), (600, "600"), (14000, "14k"), (2500, "2.5k"), (200000, "200k")]
)
def test_steps_are_written_in_thousands(number: float, text: str) -> None:
    assert thousands(number) == text


@pytest.mark.parametrize("name", FIGURES)
def test_one_function_has_the_name_of_a_figure(name: str) -> None:
    modules = (by_seed, paper, training, why)
    named = [getattr(module, name) for module in modules if name in vars(module)]
    assert [callable(each) for each in named] == [True]


@pytest.mark.slow
def test_all_text_lies_within_the_figure() -> None:
    for name in FIGURES:
        figure, _ = draw(name, tables(), SETTINGS)
        figure.draw_without_rendering()
        page = figure.bbox
        texts = [text for axes in figure.axes for text in (axes.title, axes.xaxis.label)]
        texts += [axes.yaxis.label for axes in figure.axes] + figure.texts
        for text in texts:
            box = text.get_window_extent()
            assert page.x0 <= box.x0 <= box.x1 <= page.x1, text.get_text()
            assert page.y0 <= box.y0 <= box.y1 <= page.y1, text.get_text()
