"""The tables for a manuscript, and what each is made from: files below results/<study>/."""

SUMMARIES: dict[str, tuple[str, ...]] = {
    "claims": ("claims.json",),
    "comparisons": ("claims.json",),
    "synthetic": ("tables/synthetic.csv",),
    "snapshots": ("tables/snapshots.csv",),
    "mbac": ("tables/mbac.csv", "tables/mbac_returns.csv", "tables/mbac_fits.csv"),
}
