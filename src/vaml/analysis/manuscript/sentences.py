"""Comparisons and verdicts in sentences: direction, effect, interval and n."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from vaml.analysis.numbers import number_text

Row = dict[str, Any]

# Factor above which a ratio is written as a factor, not in per cent.
_PER_CENT_UP_TO = 2.0


def finding(comparison: Mapping[str, Any]) -> str:
    """One comparison of `claim_entries`, as "on Hopper, the mean error of VAML is ..., n = 5"."""
    ours = comparison["ours"]
    part = comparison["part"]
    where = f"in the {part} setting" if part in ("realizable", "unrealizable") else f"on {part}"
    often = " in the median" if comparison["measured"].startswith("median of ") else ""
    measured = comparison["measured"].removeprefix("median of ").replace("mean of ", "mean ")
    average = "geometric " if comparison["is_geometric"] else ""
    quantity = f"the {average}{measured} of {comparison['method']}"
    numbers = f"{ours['effect']} {ours['interval'] or ''}".rstrip() + f", n = {ours['n']}"
    if ours["interval"] is None and comparison["reason"]:
        numbers += f"; {comparison['reason']}"
    baseline = comparison["baseline"]
    if baseline is None:
        return f"{where}, {quantity} is {numbers}{often}"
    if measured.startswith("share of seeds"):
        return f"{where}, {quantity} against {baseline} is {numbers}"
    size = difference(ours["value"], comparison["is_ratio"])
    return f"{where}, {quantity} is {size} that of {baseline}{often} ({numbers})"


def difference(value: float, is_ratio: bool) -> str:
    """Difference of a method's number from its baseline's: "7.2 % lower than", "17.6 times".

    value: the effect; for a ratio, its logarithm.
    """
    if not is_ratio:
        size = number_text(abs(value))
        return "equal to" if size == "0" else f"{size} {_lower_or_higher(value)} than"
    ratio = math.exp(value)
    if 1 / _PER_CENT_UP_TO <= ratio <= _PER_CENT_UP_TO:
        size = number_text(100 * abs(ratio - 1))
        return "equal to" if size == "0" else f"{size} % {_lower_or_higher(value)} than"
    return f"{number_text(ratio)} times"


def _lower_or_higher(value: float) -> str:
    return "lower" if value < 0 else "higher"


def findings(claim: Mapping[str, Any]) -> list[Row]:
    """Findings on a claim, by variant: the verdict, and a sentence.

    Untested variants are left out.
    """
    found = []
    for variant in ("paper", "corrected"):
        verdict = claim["verdicts"].get(variant, {}).get("ours", "not tested")
        tested = [
            comparison
            for comparison in claim["comparisons"]
            if comparison["variant"] == variant and comparison["ours"]["verdict"] != "not tested"
        ]
        if tested and verdict != "not tested":
            sentence = "; ".join(map(finding, tested))
            text = f"{sentence[0].upper()}{sentence[1:]}."
            found.append({"variant": variant, "verdict": verdict, "text": text})
    return found


def discussion(claims: Sequence[Mapping[str, Any]]) -> Row:
    """Differences of verdicts: between measures, from the authors' data, and from expectations.

    corrected, authors, expected: each has the ids of the claims with the `same` verdict, and for
    the `other` claims (id, the verdict here, the other one). Claims that lack one of the two
    verdicts are in neither.
    """
    found = {name: {"same": [], "other": []} for name in ("corrected", "authors", "expected")}
    for claim in claims:
        sides = claim["verdicts"].get("paper", {})
        here = sides.get("ours", "not tested")
        others = {
            "corrected": claim["verdicts"].get("corrected", {}).get("ours"),
            "authors": sides.get("authors"),
            "expected": claim["prediction"]["paper"],
        }
        for name, other in others.items():
            if "not tested" in (here, other) or other is None:
                continue
            if other == here:
                found[name]["same"].append(claim["id"])
            else:
                found[name]["other"].append({"id": claim["id"], "here": here, "other": other})
    return found


def untested(claims: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Claims without a verdict here, by the first reason that their comparisons give."""
    found: dict[str, list[str]] = {}
    for claim in claims:
        if not claim["findings"]:
            reasons = (
                each["reason"]
                for each in claim["comparisons"]
                if each["ours"]["verdict"] == "not tested" and each["reason"]
            )
            found.setdefault(next(reasons, ""), []).append(claim["id"])
    return [{"reason": reason, "claims": ids} for reason, ids in found.items()]
