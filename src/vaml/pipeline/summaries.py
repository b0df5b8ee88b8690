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
