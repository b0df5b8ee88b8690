"""Small tables with numbers that can be worked out by hand."""

import math

import pandas as pd

from vaml.analysis.figures.drawing import FigureSettings

SETTINGS = FigureSettings(
    study="tiny",
    width=7.0,
    dpi=60,
    objectives=["mle", "vaml", "exact"],
    agents=["reg_vaml"],
    confidence=0.95,
    minimum_seeds=2,
    names={"mle": "MLE", "vaml": "VAML", "reg_vaml": "reg-VAML"},
)
DEVIATES = {0: -1.0, 1: 1.0, 2: 3.0}  # of seeds 0, 1, 2: mean 1, SD √(8/3) or, as a sample, 2


def synthetic(seeds: int = 3) -> pd.DataFrame:
    rows = [
        {
            "setting": setting,
            "hidden_size": size,
            "seed": seed,
            "objective": objective,
            "status": "ok",
            "value_aware_error": size + 10.0 * (objective == "mle") + DEVIATES[seed],
            "true_value_aware_error": size + 2.0 * DEVIATES[seed],
            "true_sigma_l1": 9.0 + seed,
            "sigma_l1": (9.0 + seed) * (0.5 if objective == "vaml" else 1.25),
            "exact_error": size / 100 + 0.125 * (objective == "vaml") + seed / 64,
            "noise_floor": size - 4.0 + seed,
            "no_change_error": size / 16 + seed,
        }
        for setting in ("unrealizable", "realizable")
        for size in (64, 32)
        for seed in range(seeds)
        for objective in ("vaml", "exact", "mle")
    ]
    return pd.DataFrame(rows)


def snapshots() -> pd.DataFrame:
    rows = [
        {
            "environment": environment,
            "seed": seed,
            "step": step,
            "objective": objective,
            "status": "ok",
            "value_aware_error": step / 1000 + seed + 0.25 * (objective == "mle"),
            "action_sampling_floor": step / 10000 + seed,
            "sigma_l1": 1.0 + seed,
            "normalised_error": 0.125 + seed / 8 + 0.5 * (objective == "mle"),
            # The last snapshot has no next one.
            "next_value_aware_error": step / 500 + seed if step == 14000 else math.nan,
            "coverage_90": 0.75 + seed / 64,
            "slope_data_q95": 2.0,
            "slope_model_q95": 5.0 + seed,
            "transition_error_mean": step / 1000 + seed,
            "mean_prediction_error": 0.125 + seed,
            "transition_error_median": 0.25 + seed,
            "top_1_percent": 0.5 + seed / 16,
        }
        for environment in ("Walker2d-v4", "Hopper-v4")
        for seed in range(2)
        for step in (14000, 24000)
        for objective in ("mle", "vaml")
    ]
    return pd.DataFrame(rows)


def mbac(seeds: int = 3) -> dict[str, pd.DataFrame]:
    """Returns 100 + deviate ± 5 per episode, errors step/100 + deviate, NLL -step/100 + deviate."""
    runs, returns, fits, diagnostics, training = [], [], [], [], []
    for environment in ("InvertedPendulum-v4", "Pusher-v4"):
        for agent in ("mle", "reg_vaml"):
            for seed in range(seeds):
                run = {"environment": environment, "agent": agent, "seed": seed}
                runs.append({**run, "status": "ok"})
                for step in (200, 400):
                    number = step / 100 + DEVIATES[seed]
                    errors = {"value_aware_error": number, "nll": number - step / 50}
                    others = {"action_sampling_floor": 0.5 + seed, "sigma_l1": 1.0 + seed}
                    fits.append({**run, "env_step": step, **errors, **others})
                    diagnostics.append({**run, "env_step": step, **_diagnosed(step, seed)})
                for step in (200, 1000):
                    training.append({**run, "env_step": step, **_scalars(step, seed)})
                    for episode, off in enumerate((-5.0, 5.0)):
                        number = 100.0 + DEVIATES[seed] + off
                        at = {"env_step": step, "episode": episode, "return": number}
                        returns.append({**run, **at})
    frames = {"mbac": runs, "mbac_returns": returns, "mbac_fits": fits}
    frames["mbac_diagnostics"] = diagnostics
    frames["mbac_training"] = training
    return {name: pd.DataFrame(rows) for name, rows in frames.items()}


def _diagnosed(step: int, seed: int) -> dict[str, float]:
    return {
        "bellman_error_policy": step / 64 + seed,
        "value_sd": 4.0,
        "error_on_policy": 3.0 + seed,
        "error_replay": 2.0,
        "mean_error_replay": 0.5,
        "error_stale": 1.5 + seed,
        "error_previous": 1.25,
        "coverage_90": 0.5 + seed / 16,
        "slope_model_q95": 7.0 + seed,
        "slope_data_q95": 6.0,
        "value_share": 0.25 + seed / 8,
    }


def curves(fits: pd.DataFrame) -> pd.DataFrame:
    """Two epochs of every fit: losses 2 and 1 plus the seed, σ 3 and 2 plus the seed."""
    epochs = [
        fits.assign(
            epoch=epoch,
            validation_loss=3.0 - epoch + fits["seed"],
            validation_sigma_l1=4.0 - epoch + fits["seed"],
        )
        for epoch in (1, 2)
    ]
    return pd.concat(epochs, ignore_index=True)


def sac(seeds: int = 3) -> dict[str, pd.DataFrame]:
    """Returns step + deviate ± 5 per episode."""
    runs, returns, training = [], [], []
    for environment in ("Walker2d-v4", "Hopper-v4"):
        for seed in range(seeds):
            run = {"environment": environment, "seed": seed}
            runs.append({**run, "status": "ok"})
            for step in (100, 600):
                training.append({**run, "env_step": step, **_scalars(step, seed)})
                for episode, off in enumerate((-5.0, 5.0)):
                    number = step + DEVIATES[seed] + off
                    returns.append({**run, "env_step": step, "episode": episode, "return": number})
    frames = {"sac": runs, "sac_returns": returns, "sac_training": training}
    return {name: pd.DataFrame(rows) for name, rows in frames.items()}


def _scalars(step: int, seed: int) -> dict[str, float]:
    return {
        "critic_loss": 1.0 / step + seed,
        "actor_loss": -step / 8,
        "value": step / 8 + DEVIATES[seed],
        "temperature": 0.5,
        "entropy": -2.0 - seed,
        "episode_return": step + DEVIATES[seed],
        "model_loss": 3.0 + seed,
    }


def published() -> dict[str, pd.DataFrame]:
    """The authors' tables: some of their numbers lie within what the example tables show."""
    bars = {"mean_reading_error": 0.5, "sd_reading_error": 0.5, "sd": 3.0}
    figure_1 = [
        {"setting": setting, "hidden_size": size, "objective": "mle", "mean": size + 1.0, **bars}
        for setting in ("realizable", "unrealizable")
        for size in (32, 128)
    ]
    figure_2 = [
        {"environment": name, "step": step, "objective": objective, "value_aware_error": step / 500}
        for name in ("Hopper-v3", "Walker2d-v3")
        for step in (14000, 34000)
        for objective in ("mle", "reg_vaml")
    ]
    figure_3 = [
        {
            "environment": name,
            "metric": metric,
            "agent": agent,
            "env_step": step,
            "mean": mean,
            **bars,
        }
        for name in ("InvertedPendulum-v2", "Pusher-v2")
        for metric, mean in (("return", 90.0), ("value_aware_error", 0.25), ("nll", -3.0))
        for agent in ("mle", "reg_vaml")
        for step in (400, 1000)
    ]
    frames = {"figure_1": figure_1, "figure_2": figure_2, "figure_3": figure_3}
    return {f"published_{name}": pd.DataFrame(rows) for name, rows in frames.items()}


def tables() -> dict[str, pd.DataFrame]:
    fits = {"synthetic": synthetic(), "snapshots": snapshots()}
    losses = {f"{name}_curves": curves(rows) for name, rows in fits.items()}
    return {**fits, **losses, **mbac(), **sac(), **published()}


def selected(rows: pd.DataFrame, **labels: object) -> pd.DataFrame:
    for name, label in labels.items():
        rows = rows.loc[rows[name] == label]
    return rows
