"""The figures that explain: what is divided by what, and the levels to compare with."""

import math

import pytest
from example_tables import SETTINGS, mbac, published, selected, synthetic, tables

from vaml.analysis.figures.draw import draw


def test_ratios_are_taken_run_by_run() -> None:
    _, rows = draw("why_mbac", tables(), SETTINGS)
    run = {"environment": "Pusher-v4", "agent": "mle", "env_step": 400}
    shown = selected(rows, kind="seed", seed=2, **run)
    values = dict(zip(shown["metric"], shown["value"], strict=True))
    assert list(values.values()) == [
        (400 / 64 + 2) / 4,
        (3 + 2) / 2,
        (1.5 + 2) / 1.25,
        0.5 + 2 / 16,
        (7 + 2) / 6,
        0.25 + 2 / 8,
    ]
    mean = selected(rows, kind="mean", metric=next(iter(values)), **run)
    assert mean["value"].tolist() == [pytest.approx((400 / 64 + 1) / 4)]
    # From one end of a panel to the other.
    levels = selected(rows, kind="floor", environment="Pusher-v4")
    assert sorted(set(levels["value"])) == [0.9, 1.0]
    assert sorted(set(levels["env_step"])) == [200, 400]


def test_the_errors_stand_beside_the_return_that_they_might_explain() -> None:
    _, rows = draw("where_mbac", tables(), SETTINGS)
    run = {"environment": "Pusher-v4", "agent": "mle", "env_step": 200}
    shown = selected(rows, kind="seed", seed=2, **run)["value"].tolist()
    returns = selected(mbac()["mbac_returns"], seed=2, **run)["return"]
    assert len(returns) > 1
    assert shown == [pytest.approx(returns.mean()), 2.0, 3.0 + 2, 0.5]


def test_the_typical_error_stands_beside_the_mean_that_a_few_transitions_make() -> None:
    _, rows = draw("error_tails", tables(), SETTINGS)
    fit = {"environment": "Hopper-v4", "objective": "vaml", "step": 24000}
    shown = selected(rows, kind="seed", seed=1, **fit)["value"].tolist()
    assert shown == [24.0 + 1, 0.125 + 1, 0.25 + 1, 0.5 + 1 / 16]


def test_a_panel_is_left_out_where_an_environment_has_no_number() -> None:
    whole = tables()["snapshots"]
    missing = whole["mean_prediction_error"].where(whole["environment"] == "Hopper-v4")
    assert set(whole["environment"]) > {"Hopper-v4"}
    fits = whole.assign(mean_prediction_error=math.nan)
    for lacking in (fits, whole.assign(mean_prediction_error=missing)):
        figure, rows = draw("error_tails", {"snapshots": lacking}, SETTINGS)
        assert len(figure.axes) == 2 * 3
        assert not rows["metric"].str.contains("mean for its samples").any()
    nothing = fits.assign(transition_error_mean=math.nan, transition_error_median=math.nan)
    figure, _ = draw("error_tails", {"snapshots": nothing.assign(top_1_percent=math.nan)}, SETTINGS)
    assert len(figure.axes) == 2 * 4


def test_the_last_snapshot_has_no_error_for_a_next_one() -> None:
    _, rows = draw("why_snapshots", tables(), SETTINGS)
    later = rows.loc[rows["metric"].str.startswith("Error for the next")]
    assert set(later.loc[later["kind"] == "seed", "step"]) == {14000}
    one = selected(later, kind="seed", environment="Hopper-v4", objective="vaml", seed=1)
    assert one["value"].tolist() == [(14000 / 500 + 1) / (14 + 1)]


def test_the_floors_of_experiment_a_are_the_noise_no_change_and_the_true_sigma() -> None:
    _, rows = draw("why_synthetic", tables(), SETTINGS)
    at = {"setting": "realizable", "hidden_size": 32}
    chosen = selected(rows, kind="floor", **at)
    floors = dict(zip(chosen["metric"], chosen["value"], strict=True))
    fits = selected(synthetic(), **at)
    assert floors["value_aware_error"] == pytest.approx(fits["noise_floor"].mean())
    assert floors["exact_error"] == pytest.approx(fits["no_change_error"].mean())
    assert floors["sigma_ratio"] == 1.0
    ratios = selected(rows, kind="seed", metric="sigma_ratio", objective="vaml", **at)["value"]
    assert ratios.tolist() == [0.5, 0.5, 0.5]


def test_the_untrained_policy_is_the_first_evaluation_of_each_seed_once() -> None:
    everything = mbac()
    returns = everything["mbac_returns"]
    first = (returns["env_step"] == 200) & (returns["environment"] == "Pusher-v4")
    returns.loc[first, "return"] = 10.0 * returns.loc[first, "seed"]
    _, rows = draw("figure_3_seeds", {**everything, **published()}, SETTINGS)
    chosen = selected(rows, kind="untrained")
    untrained = dict(zip(chosen["environment"], chosen["value"], strict=True))
    assert untrained["Pusher-v4"] == pytest.approx(10.0)
    assert untrained["InvertedPendulum-v4"] == pytest.approx(100 + 1)  # the deviates' mean is 1


def test_an_agent_without_a_model_is_not_in_the_legend() -> None:
    made = dict(tables())
    drawn = made["mbac_diagnostics"]
    made["mbac_diagnostics"] = drawn.loc[drawn["agent"] == "mle"]
    figure, _ = draw("why_mbac", made, SETTINGS)
    labels = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert "MLE" in labels
    assert "reg-VAML" not in labels
