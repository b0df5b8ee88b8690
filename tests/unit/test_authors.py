"""The authors' published numbers, judged by the same rules: known values, and no false verdicts."""

import math
from pathlib import Path

import pandas as pd
import pytest
from judged_tables import CLAIMS, REFERENCE, ROOT, STATISTICS, find, judged
from scipy import stats

from vaml.analysis.claims.authors import Reference, assess_published, read_reference
from vaml.analysis.claims.judge import Finding, overall
from vaml.analysis.claims.verdicts import Rule
from vaml.files import UnreadableFile
from vaml.pipeline.figures import AUTHORS


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    """No tables of our own: the authors' side needs none."""
    return judged({})


def details(finding: Finding) -> dict[str, float]:
    assert finding.published is not None
    return dict(finding.published.details)


def test_reference_tables_are_whole() -> None:
    files = REFERENCE.files
    assert {name: len(files[name]) for name in AUTHORS} == {
        "figure_1": 36,
        "figure_1_runs": 5,
        "figure_2": 114,
        "figure_3": 312,
    }
    # A notebook of the authors prints the mean over all runs of figure 1.
    means = files["figure_1"]["mean"].to_numpy()
    assert means.mean() == pytest.approx(0.0372247, abs=1e-4)
    places = files["figure_3"].groupby(["environment", "metric", "env_step"])
    assert all(set(curve["agent"]) == {"mle", "reg_vaml"} for _, curve in places)


@pytest.mark.parametrize(
    ("claim", "part", "ratio", "lower", "tied"),
    [("C1", "realizable", 0.905, 5, 1), ("C3a", "unrealizable", 0.916, 4, 1)],
)
def test_figure_1(
    findings: list[Finding], claim: str, part: str, ratio: float, lower: int, tied: int
) -> None:
    """The error bars overlap at all six sizes, and the judgement agrees: inconclusive."""
    finding = find(findings, claim, part)
    found = details(finding)
    assert found["mean_ratio"] == pytest.approx(ratio, abs=1e-3)
    assert (found["lower"], found["tied"], found["of"]) == (lower, tied, 6)
    assert found["overlapping"] == 6
    assert finding.authors.n == (4, 4)
    low, high = finding.authors.interval
    assert low < finding.authors.effect < 0 < high
    assert finding.authors.verdict == "inconclusive"


def reach(variances: list[float]) -> float:
    """Half the interval of a sum of means of four runs each (Welch and Satterthwaite)."""
    degrees = sum(variances) ** 2 / sum(variance**2 / 3 for variance in variances)
    return float(stats.t.ppf(0.975, degrees)) * math.sqrt(sum(variances))


def test_figure_1_by_hand(findings: list[Finding]) -> None:
    """The error of the mean log ratio, from the bars' deviations and reading errors."""
    bars = REFERENCE.files["figure_1"]
    bars = bars.loc[(bars["setting"] == "realizable") & bars["objective"].isin(["mle", "vaml"])]
    # The bars show the population's deviation; d log m = dm / m.
    variances = (bars["sd"] ** 2 / 3 + bars["mean_reading_error"] ** 2) / bars["mean"] ** 2
    finding = find(findings, "C1")
    low, high = finding.authors.interval
    assert (high - low) / 2 == pytest.approx(reach(variances.to_list()) / 6)


def test_the_end_of_figure_3_by_hand(findings: list[Finding]) -> None:
    curves = REFERENCE.files["figure_3"]
    curves = curves.loc[curves["environment"].str.startswith("Pusher")]
    curves = curves.loc[curves["metric"] == "return"]
    ends = curves.loc[curves["env_step"] == curves["env_step"].max()]
    assert len(ends) == 2
    variances = ends["sd"] ** 2 / 4 + ends["mean_reading_error"] ** 2
    low, high = find(findings, "C9b", index=0).authors.interval
    assert (high - low) / 2 == pytest.approx(reach(variances.to_list()))


@pytest.mark.parametrize("agent", ["mle", "reg_vaml"])
def test_a_band_too_thin_to_read_gives_no_test(agent: str) -> None:
    curves = REFERENCE.files["figure_3"]
    thin = (curves["agent"] == agent) & (curves["metric"] == "return")
    changed = curves.assign(sd=curves["sd"].mask(thin))
    made = Reference({**REFERENCE.files, "figure_3": changed})
    asked = CLAIMS.claims["C9b"].comparisons[0]
    _, judgement = assess_published(asked, "Pusher", "mle", made, Rule(STATISTICS, "all", 2))
    assert judgement.effect == pytest.approx(-109.3 + 214.7)
    assert judgement.reason.endswith("the spread of this number was not published")
    assert math.isnan(judgement.p)


def test_bars_overlap_within_the_sum_of_their_deviations() -> None:
    """Bars at 1 and 2: apart, though the wider one twice would reach; touching; and overlapping."""
    deviations = {"vaml": (0.1, 0.5, 0.5), "mle": (0.55, 0.5, 0.6)}
    bars = [
        {
            **{"setting": "realizable", "hidden_size": size, "objective": objective},
            **{"mean": mean, "sd": sd, "mean_reading_error": 0.01},
        }
        for objective, mean in (("vaml", 1.0), ("mle", 2.0))
        for size, sd in zip((16, 32, 64), deviations[objective], strict=True)
    ]
    made = Reference({**REFERENCE.files, "figure_1": pd.DataFrame(bars)})
    asked = CLAIMS.claims["C1"].comparisons[0]
    sample, judgement = assess_published(
        asked, "realizable", "vaml", made, Rule(STATISTICS, "all", 2)
    )
    assert sample is not None
    assert sample.details["overlapping"] == 1
    assert judgement.effect == pytest.approx(-math.log(2))


def test_which_figure_answers_what() -> None:
    asked = CLAIMS.claims["C7"].comparisons[0]
    assert REFERENCE.source(asked) == "figure_3"
    for update in ({"minus": "nll"}, {"metric": "nowhere"}):  # no difference of two curves
        assert REFERENCE.source(asked.model_copy(update=update)) is None


def test_collapse_of_sigma_is_one_run(findings: list[Finding]) -> None:
    finding = find(findings, "C2", "unrealizable")
    assert math.exp(finding.authors.effect) == pytest.approx(0.4386 / 9.7, rel=1e-3)
    assert (finding.authors.verdict, finding.authors.reason) == ("not tested", "one run")
    assert finding.authors.n == (1,)


@pytest.mark.parametrize(
    ("claim", "part", "method", "rho", "p", "lowest", "highest"),
    [
        ("C4", "Hopper", "mle", 0.52, 0.02, 2.8, 939.0),
        ("C4", "Walker2d", "mle", 0.56, 0.01, 10.4, 49.3),
        ("C5", "Hopper", "vaml", -0.14, 0.56, 2.2, 19.3),
        ("C5", "Hopper", "reg_vaml", -0.25, 0.30, 2.4, 12.2),
        ("C5", "Walker2d", "vaml", -0.71, 0.001, 6.5, 11.1),
        ("C5", "Walker2d", "reg_vaml", -0.58, 0.01, 6.1, 12.8),
    ],
)
def test_trends_of_figure_2(
    findings: list[Finding],
    claim: str,
    part: str,
    method: str,
    rho: float,
    p: float,
    lowest: float,
    highest: float,
) -> None:
    """The p value takes 19 snapshots of one run for 19 runs: it is a detail, never a verdict."""
    finding = find(findings, claim, part, method)
    assert finding.authors.effect == pytest.approx(rho, abs=6e-3)
    found = details(finding)
    assert found["p_as_if_snapshots_were_runs"] == pytest.approx(p, abs=5e-3)
    assert found["snapshots"] == 19
    assert (found["lowest"], found["highest"]) == pytest.approx((lowest, highest), abs=0.06)
    assert finding.authors.verdict == "not tested"
    assert finding.authors.reason == finding.unit == "one SAC run per environment"


@pytest.mark.parametrize(
    ("part", "method", "lower", "ratio"),
    [
        ("Hopper", "vaml", 17, 62),
        ("Hopper", "reg_vaml", 18, 73),
        ("Walker2d", "vaml", 19, 3.3),
        ("Walker2d", "reg_vaml", 19, 3.1),
    ],
)
def test_gap_of_figure_2(
    findings: list[Finding], part: str, method: str, lower: int, ratio: float
) -> None:
    finding = find(findings, "C6", part, method)
    found = details(finding)
    assert (found["lower"], found["of"]) == (lower, 19)
    assert 1 / found["median_ratio"] == pytest.approx(ratio, rel=0.01)
    assert finding.authors.effect == pytest.approx(math.log(found["median_ratio"]))
    assert finding.authors.verdict == "not tested"


@pytest.mark.parametrize(
    ("part", "per_epoch", "until_stop"), [("Hopper", 1.54, 1.25), ("Walker2d", 1.58, 0.44)]
)
def test_cost_of_figure_2(
    findings: list[Finding], part: str, per_epoch: float, until_stop: float
) -> None:
    """An epoch of VAML costs half as much again; on Walker2d its fits stop far sooner."""
    ratios = [math.exp(find(findings, "C10", part, index=i).authors.effect) for i in (0, 1)]
    assert ratios == pytest.approx([per_epoch, until_stop], abs=0.01)


def test_models_of_figure_3(findings: list[Finding]) -> None:
    for part, ratio, lower, of in (("InvertedPendulum", 0.124, 26, 28), ("Pusher", 0.69, 25, 29)):
        finding = find(findings, "W29", part)
        assert math.exp(finding.authors.effect) == pytest.approx(ratio, abs=2e-3)
        assert (details(finding)["lower"], details(finding)["of"]) == (lower, of)
    nats = [find(findings, "C8", part).authors.effect for part in ("InvertedPendulum", "Pusher")]
    assert nats == pytest.approx([4.56, 1.15], abs=0.01)


def test_returns_of_figure_3(findings: list[Finding]) -> None:
    """Pusher: -109 against -215 at the end. The pendulum's runs are all at the cap."""
    pusher = find(findings, "C9b", index=0).authors
    assert pusher.effect == pytest.approx(-109.3 + 214.7)
    assert pusher.n == (4, 4)
    assert 6 < pusher.interval[0] < pusher.effect < pusher.interval[1]
    assert pusher.verdict == "supported"
    pendulum = find(findings, "C9a", index=0).authors
    assert (pendulum.effect, pendulum.verdict) == (0, "not tested")
    assert pendulum.reason == "n = 4, needs 10"
    assert math.isnan(pendulum.p)
    assert find(findings, "C9b", index=1).authors.verdict == "not tested"


def test_claims_with_a_verdict_on_the_authors_numbers(findings: list[Finding]) -> None:
    """Only where a spread between runs was published for every number that a claim needs."""
    verdicts = {name: overall(findings, name, "paper")[1] for name in CLAIMS.claims}
    tested = {name: verdict for name, verdict in verdicts.items() if verdict != "not tested"}
    assert tested == {"C1": "inconclusive", "C3a": "inconclusive", "C13": "supported"}


def test_corrected_metrics_were_not_published(findings: list[Finding]) -> None:
    corrected = [each for each in findings if each.question.comparison.variant == "corrected"]
    assert corrected
    assert {each.authors.reason for each in corrected} == {"not published"}


def test_a_missing_or_damaged_reference_table_is_named(tmp_path: Path) -> None:
    paths = sorted((ROOT / "paper" / "reference").glob("*.csv"))
    with pytest.raises(UnreadableFile, match="figure_3"):
        read_reference(paths[:-1])
    broken = tmp_path / "figure_3.csv"
    broken.write_text('a,b\n1,2,3\n"')
    with pytest.raises(UnreadableFile, match=r"figure_3\.csv"):
        read_reference([*paths[:-1], broken])
    assert isinstance(REFERENCE.files["figure_1"], pd.DataFrame)
