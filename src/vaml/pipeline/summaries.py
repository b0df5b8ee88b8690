"""The tables for a manuscript and their inputs: files below results/<study>/."""

from collections.abc import Collection

SUMMARIES: dict[str, tuple[str, ...]] = {
    "claims": ("claims.json",),
    "comparisons": ("claims.json",),
    "synthetic": ("tables/synthetic.csv",),
    "snapshots": ("tables/snapshots.csv",),
    "mbac": ("tables/mbac.csv", "tables/mbac_returns.csv", "tables/mbac_fits.csv"),
}


def summaries(tables: Collection[str]) -> list[str]:
    """Summaries that can be made from these tables, and those of the claims."""
    made = {"claims.json", *(f"tables/{table}.csv" for table in tables)}
    return [name for name, needed in SUMMARIES.items() if made.issuperset(needed)]


def paper_tables(tables: Collection[str]) -> list[str]:
    """Tables that the manuscript reads; its text contains the claims already."""
    of_claims = ("claims.json",)
    numbers = [name for name in summaries(tables) if SUMMARIES[name] != of_claims]
    return [*(f"summary_{name}" for name in numbers), *(["sac"] if "sac" in tables else [])]


def overview_tables(tables: Collection[str]) -> list[str]:
    """Tables that the overview shows; it lists the claims in its own way."""
    return [*(f"summary_{name}" for name in summaries(tables) if name != "claims"), "costs"]
