"""Small tables with numbers that can be worked out by hand."""

import pandas as pd

from vaml.analysis.figures import FigureSettings

SETTINGS = FigureSettings(
    study="tiny", width=7.0, dpi=60, objectives=["mle", "vaml", "exact"], agents=["reg_vaml"], confidence=0.95
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
        }
        for environment in ("Walker2d-v4", "Hopper-v4")
        for seed in range(2)
        for step in (14000, 24000)
        for objective in ("mle", "vaml")
    ]
    return pd.DataFrame(rows)


def mbac(seeds: int = 3) -> dict[str, pd.DataFrame]:
    """Returns 100 + deviate ± 5 per episode, errors step/100 + deviate, NLL -step/100 + deviate."""
    runs, returns, fits = [], [], []
    for environment in ("InvertedPendulum-v4", "Pusher-v5"):
        for agent in ("mle", "reg_vaml"):
            for seed in range(seeds):
                run = {"environment": environment, "agent": agent, "seed": seed}
                runs.append({**run, "status": "ok"})
                for step in (200, 400):
                    number = step / 100 + DEVIATES[seed]
                    errors = {"value_aware_error": number, "nll": number - step / 50}
                    fits.append({**run, "env_step": step, **errors})
                for step in (200, 1000):
                    for episode, off in enumerate((-5.0, 5.0)):
                        number = 100.0 + DEVIATES[seed] + off
                        at = {"env_step": step, "episode": episode, "return": number}
                        returns.append({**run, **at})
    frames = {"mbac": runs, "mbac_returns": returns, "mbac_fits": fits}
    return {name: pd.DataFrame(rows) for name, rows in frames.items()}


def tables() -> dict[str, pd.DataFrame]:
    return {"synthetic": synthetic(), "snapshots": snapshots(), **mbac()}


def selected(rows: pd.DataFrame, **labels: object) -> pd.DataFrame:
    for name, label in labels.items():
        rows = rows.loc[rows[name] == label]
    return rows
