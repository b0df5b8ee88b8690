"""The judged claims as the manuscript prints them."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, get_args

from vaml.analysis.manuscript.sentences import findings
from vaml.analysis.numbers import NONE, interval_text, number_text
from vaml.config.claims import Verdict, limit_of

Row = dict[str, Any]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)

# Names of a run's numbers, longer ones first.
_WORDS = {
    "diverged of status": "share of diverged runs",
    "last of return": "last return",
    "lower everywhere of": "share of seeds lower at every size in",
    " - ": " − ",
    "true_sigma_l1": "true σ",
    "sigma_l1": "σ",
    "next_value_aware_error": "error for the next V",
    "value_aware_error_k1000": "value-aware error with very many samples",
    "value_aware_error": "value-aware error",
    "exact_error": "exact error",
    "error_stale": "error for the present V",
    "error_previous": "error for its own V",
    "target_error_policy": "squared distance from the true targets",
    "error_on_policy": "error on the policy’s own states",
    "mean_error_replay": "error of the mean on replayed states",
    "error_replay": "error on replayed states",
    "squared_bias": "squared bias",
    "value_sd": "SD of V",
    "mean_prediction_error": "error of the mean prediction",
    "transition_error_mean": "error, averaged over draws",
    "transition_error_median": "typical transition’s error",
    "top_1_percent": "largest hundredth’s share of the error",
    "terminal_share": "terminal transitions’ share of the error",
    "top_residual": "model’s distance from s′ at the largest errors",
    "top_slope": "slope of V there",
    "action_sampling_floor": "floor",
    "value_variance": "variance of V",
    "nll": "NLL",
}
_Scale = Callable[[float], float]
_EXPERIMENTS = {"5.1": "synthetic", "5.2": "snapshots", "5.3": "mbac"}


def claim_entries(
    judged: Sequence[Mapping[str, Any]], labels: Mapping[str, str]
) -> tuple[list[Row], list[str]]:
    """The claims with their comparisons, and the notes that these refer to by position."""
    notes: list[str] = []
    claims = []
    for claim in judged:
        comparisons = []
        for comparison in claim["comparisons"]:
            reason = comparison["reason"]
            if reason and reason not in notes:
                notes.append(reason)
            note = notes.index(reason) if reason else None
            comparisons.append(_comparison(comparison, labels) | {"note": note})
        kept = ("statement", "sections", "explains", "verdicts", "prediction")
        entry = {name: claim[name] for name in kept} | {
            "id": claim["claim"],
            "experiments": [_EXPERIMENTS[s] for s in claim["sections"] if s in _EXPERIMENTS],
            "comparisons": comparisons,
        }
        claims.append(entry | {"findings": findings(entry)})
    return claims, notes


def _comparison(comparison: Mapping[str, Any], labels: Mapping[str, str]) -> Row:
    measured = comparison["measured"]
    # The answer for a run is yes or no, whatever the scale of the compared numbers.
    is_share = measured.startswith("lower everywhere")
    is_ratio = "log " in measured and not is_share
    scale = _as_share if is_share else math.exp if is_ratio else float
    method, baseline = (
        labels.get(name, name) if name else None
        for name in (comparison["method"], comparison["baseline"])
    )
    return {
        "variant": comparison["variant"],
        "part": comparison["part"],
        "method": method,
        "baseline": baseline,
        "is_ratio": is_ratio,
        "is_geometric": measured.startswith("mean of log "),
        "contrast": (" / " if is_ratio else " − ").join(filter(None, (method, baseline))),
        "measured": _measured(measured),
        "criterion": _criterion(comparison, scale),
        "p": number_text(comparison["p"]),
        "reason": comparison["reason"],
        **{
            side: {
                "value": comparison[f"{prefix}effect"],
                "effect": _on_scale(comparison[f"{prefix}effect"], scale),
                "interval": _interval(comparison, prefix, scale),
                "n": _n(comparison, prefix),
                "verdict": comparison[f"{prefix}verdict"],
            }
            for side, prefix in (("ours", ""), ("authors", "authors_"))
        },
    }


def _measured(text: str) -> str:
    """Wording of a run's number. A log is not mentioned: the effect is printed as a ratio."""
    words = text.replace("log of ", "").replace("log ", "")
    for column, name in _WORDS.items():
        words = words.replace(column, name)
    return words.replace("_", " ")


def _interval(comparison: Mapping[str, Any], prefix: str, scale: _Scale) -> str | None:
    return interval_text(
        *(_on_scale(comparison[f"{prefix}{end}"], scale) for end in ("low", "high"))
    )


def _on_scale(value: float | None, scale: _Scale) -> str:
    return number_text(None if value is None else scale(value))


def _as_share(share: float) -> float:
    """A share of seeds, which is compared with one half, as it is."""
    return share + 0.5


def _criterion(comparison: Mapping[str, Any], scale: _Scale) -> str:
    """Range in which the whole interval must lie for the claim to hold."""
    direction, margin = comparison["direction"], comparison["smallest_difference"]
    if direction == "equivalent":
        return " to ".join(_on_scale(end, scale) for end in (-margin, margin))
    limit, down = limit_of(direction, margin)
    if (most := comparison["largest_difference"]) is not None:
        ends = (-most, limit) if down else (limit, most)
        return " to ".join(_on_scale(end, scale) for end in ends)
    return f"{'<' if down else '>'} {_on_scale(limit, scale)}"


def _n(comparison: Mapping[str, Any], prefix: str) -> str:
    counts = [comparison[f"{prefix}{name}"] for name in ("n", "n_baseline")]
    return " + ".join(str(count) for count in counts if count is not None) or NONE


def verdict_counts(claims: Iterable[Row], side: str) -> list[Row]:
    """The claims by their verdict in the paper's own measure."""
    found: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    for claim in claims:
        verdict = claim["verdicts"].get("paper", {}).get(side, "not tested")
        found[verdict].append(claim["id"])
    return [{"verdict": verdict, "claims": ids} for verdict, ids in found.items()]


def predictions(claims: Iterable[Row]) -> dict[str, list[str]]:
    """The claims by how much of the data that test them had been seen when they were written."""
    found: dict[str, list[str]] = {seen: [] for seen in ("nothing", "part", "all")}
    for claim in claims:
        found[claim["prediction"]["seen"]].append(claim["id"])
    return found
