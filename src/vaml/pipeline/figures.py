"""The figures of a study: where each is shown, and what it is drawn from.

A figure has the name of the function in `vaml.analysis.figures` that draws it.
"""

from dataclasses import dataclass
from typing import Any, Literal

from vaml.config.fields import by_name
from vaml.config.schema import Config
from vaml.pipeline.jobs import tables

Group = Literal["As the paper draws them", "With single seeds", "Training diagnostics", "Why"]

# The authors' published numbers: the CSV files of paper/reference.
AUTHORS = ("figure_1", "figure_1_runs", "figure_2", "figure_3")


@dataclass(frozen=True)
class CatalogueEntry:
    """One figure.

    group: its heading in the report. title: its caption in the overview. tables: the tables that it
    is drawn from. authors: the entries of AUTHORS whose numbers it shows beside ours.
    """

    group: Group
    title: str
    tables: tuple[str, ...]
    authors: tuple[str, ...] = ()


_AGENTS = ("mbac", "mbac_returns", "mbac_fits")

FIGURES: dict[str, CatalogueEntry] = by_name(
    {
        "figure_1": CatalogueEntry(
            "As the paper draws them",
            "Figure 1 as the paper draws it",
            ("synthetic",),
            authors=("figure_1",),
        ),
        "figure_2": CatalogueEntry(
            "As the paper draws them", "Figure 2 as the paper draws it", ("snapshots",)
        ),
        "figure_3": CatalogueEntry(
            "As the paper draws them", "Figure 3 as the paper draws it", _AGENTS
        ),
        "figure_1_seeds": CatalogueEntry(
            "With single seeds",
            "A. Does training on values beat maximum likelihood where the true dynamics are known?",
            ("synthetic",),
            authors=("figure_1",),
        ),
        "figure_2_seeds": CatalogueEntry(
            "With single seeds",
            "B. How well do models of SAC’s data predict its value function?",
            ("snapshots",),
            authors=("figure_2",),
        ),
        "figure_3_seeds": CatalogueEntry(
            "With single seeds",
            "C. Does an agent do better with a model that is trained on values?",
            _AGENTS,
            authors=("figure_3",),
        ),
        "sac_returns": CatalogueEntry(
            "Training diagnostics", "Are the SAC runs ordinary ones?", ("sac", "sac_returns")
        ),
        "training_sac": CatalogueEntry(
            "Training diagnostics", "B. Did SAC train as expected?", ("sac", "sac_training")
        ),
        "training_mbac": CatalogueEntry(
            "Training diagnostics",
            "C. Did the agents train as expected?",
            ("mbac", "mbac_training"),
        ),
        "fit_curves_synthetic": CatalogueEntry(
            "Training diagnostics",
            "A. Did the fits converge?",
            ("synthetic", "synthetic_curves"),
        ),
        "fit_curves_snapshots": CatalogueEntry(
            "Training diagnostics",
            "B. Did the fits converge?",
            ("snapshots", "snapshots_curves"),
        ),
        "why_synthetic": CatalogueEntry(
            "Why",
            "A. What is the error made of, and who is best without noise?",
            ("synthetic",),
        ),
        "why_snapshots": CatalogueEntry(
            "Why",
            "B. How wrong are the models on V’s own scale, and how fast do they age?",
            ("snapshots",),
        ),
        "error_tails": CatalogueEntry(
            "Why",
            "B. Do all transitions make up the error, or only a few?",
            ("snapshots",),
        ),
        "where_mbac": CatalogueEntry(
            "Why",
            "C. Is the lower value-aware error where the policy is?",
            ("mbac", "mbac_returns", "mbac_diagnostics"),
        ),
        "why_mbac": CatalogueEntry(
            "Why",
            "C. Why does a lower value-aware error not make a better agent?",
            ("mbac", "mbac_diagnostics"),
        ),
        "model_sigma": CatalogueEntry(
            "Training diagnostics",
            "Does the model’s standard deviation collapse?",
            ("synthetic", "synthetic_curves", "snapshots", "mbac", "mbac_fits"),
        ),
    }
)


def figures(study: Config) -> list[str]:
    """The figures whose tables a study has."""
    made = set(tables(study))
    return [name for name, figure in FIGURES.items() if made.issuperset(figure.tables)]


def shared_settings(study: Config) -> dict[str, Any]:
    """Settings that all figures of a study share, as JSON of their `FigureSettings`.

    The objectives stand in the order of their selection, which sets their colours.
    """
    objectives = [*study.synthetic.objectives, *study.snapshots.objectives]
    return {
        **study.figures.model_dump(mode="json"),
        "study": study.study.name,
        "objectives": list(dict.fromkeys(objectives)),
        "agents": study.mbac.agents,
        "confidence": study.statistics.confidence,
        "minimum_seeds": study.statistics.minimum_seeds,
    }
