"""A finished study of a few hidden sizes and snapshots, as the manuscript's step finds it."""

import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import typst
from derived_files import vouch
from finished_jobs import ROOT, manifest

from vaml.analysis.claims.authors import read_reference
from vaml.analysis.claims.judge import judge
from vaml.analysis.claims.rows import judgement
from vaml.analysis.tables.experiments import OF_EXPERIMENT
from vaml.analysis.tables.rendering import write_csv
from vaml.compile_paper import lay_out
from vaml.config.claims import load_claims
from vaml.config.fields import canonical
from vaml.config.schema import Config
from vaml.config.statistics import Statistics
from vaml.files import read_json, write_json
from vaml.pipeline import jobs
from vaml.pipeline.figures import AUTHORS, figures

SOURCES = [ROOT / "paper" / name for name in ("main.typ", "style.typ", "references.bib")]
CLAIMS = ROOT / "config/claims.yaml"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
STATISTICS = Statistics(
    confidence=0.95,
    minimum_seeds=4,
    power=0.8,
    permutation_resamples=200,
    seed=0,
)
_HARDER = {"vaml": 1.0, "mle": 2.0, "reg_vaml": 1.5}


def raw_tables(study: Config) -> dict[str, pd.DataFrame]:
    """Errors around 0.1 for VAML and 0.2 for MLE, returns around 10."""

    def fits(stage: str) -> pd.DataFrame:
        rows = []
        for i, job in enumerate(jobs.labels(stage, study)):
            error = 0.1 * _HARDER[job["objective"]] * (1 + 0.01 * (i % 7))
            row = {**job, "status": "ok", "epochs": 12.0, "value_aware_error": error}
            row |= {"nll": 14.0 + error, "sigma_l1": 4.5, "action_sampling_floor": 0.03125}
            row |= {"true_value_aware_error": 0.09375, "true_sigma_l1": 9.0}
            row |= {"sigma_collapsed": 0.0, "noise_floor": 0.09, "exact_error": 0.001, "skill": 0.8}
            rows.append(row)
        return pd.DataFrame(rows)

    runs, returns, model_fits = [], [], []
    for i, job in enumerate(jobs.labels("train_mbac", study)):
        runs.append({**job, "status": "ok", "final_return": 10.0 + i % 5})
        for step in (1000, 2000):
            returns.append({**job, "env_step": step, "episode": 0, "return": 10.0 + i % 5})
            errors = {"value_aware_error": 0.5 + 0.01 * i, "nll": 20.0, "sigma_collapsed": 0.0}
            model_fits.append({**job, "env_step": step, "action_sampling_floor": 0.25, **errors})
    sac_runs = [{**job, "status": "ok"} for job in jobs.labels("train_sac", study)]
    frames = {"sac": sac_runs, "mbac": runs, "mbac_returns": returns, "mbac_fits": model_fits}
    return {
        "synthetic": fits("fit_synthetic"),
        "snapshots": fits("fit_snapshot"),
        **{name: pd.DataFrame(rows) for name, rows in frames.items()},
    }


def leave_study(
    results: Path, study: Config, tables: dict[str, pd.DataFrame], claims: Path | None = None
) -> None:
    """Results of the other rules below results/<study>/. claims: instead of a judgement, which
    takes longer than all the rest."""
    for stage in jobs.FOLDERS:
        for job in jobs.labels(stage, study):
            home = results / jobs.folder(stage, job)
            home.mkdir(parents=True)
            write_json(home / "manifest.json", manifest(stage, commit=COMMIT, dirty=False))
    (results / "tables").mkdir()
    for name, table in OF_EXPERIMENT.items():
        if name in jobs.tables(study):
            write_csv(table(tables, 0.95), results / f"tables/summary_{name}.csv")
    if "sac" in jobs.tables(study):
        tables["sac"].to_csv(results / "tables/sac.csv", index=False)
    if claims is None:
        made = {name: table for name, table in tables.items() if name in jobs.tables(study)}
        judge_study(results / "claims.json", made)
    else:
        shutil.copyfile(claims, results / "claims.json")
    (results / "figures").mkdir(exist_ok=True)
    for name in figures(study):
        picture = f"#set page(width: 200pt, height: 40pt)\n{name}"
        compiler = typst.Compiler(ignore_system_fonts=True)
        pdf, _ = compiler.compile_with_warnings(picture.encode(), format="pdf", timestamp=0)
        assert isinstance(pdf, bytes)
        (results / f"figures/{name}.pdf").write_bytes(pdf)
    vouch(results / "claims.json", *results.glob("tables/*.csv"), *results.glob("figures/*.pdf"))


def judge_study(path: Path, tables: dict[str, pd.DataFrame]) -> None:
    reference = read_reference([ROOT / f"paper/reference/{name}.csv" for name in AUTHORS])
    claims = load_claims(CLAIMS)
    findings = judge(claims, tables, reference, STATISTICS)
    write_json(path, judgement(claims, findings, STATISTICS, [CLAIMS]))


def flags(results: Path, study: Config, output: Path) -> list[str]:
    tables = [str(path) for path in sorted((results / "tables").glob("*.csv"))]
    figures = [str(path) for path in sorted((results / "figures").glob("*.pdf"))]
    return [
        *("--config", canonical(study)),
        *("--results", str(results)),
        *("--claims", str(results / "claims.json")),
        *("--tables", *tables),
        *("--figures", *figures),
        *("--sources", *map(str, SOURCES)),
        *("--data", str(output / "paper.json")),
        *("--pdf", str(output / "paper.pdf")),
    ]


def text(results: Path, data: Path) -> str:
    """The words of the manuscript, by way of HTML, which leaves out headers and title."""
    figures = sorted((results / "figures").glob("*.pdf"))
    with tempfile.TemporaryDirectory() as folder:
        compiler = lay_out(Path(folder), SOURCES, figures, data)
        html, _ = compiler.compile_with_warnings(format="html")
    assert isinstance(html, bytes)
    body = re.sub(r"^.*<body>|<style>.*?</style>", "", html.decode(), flags=re.DOTALL)
    body = re.sub(r"</?(a|code|em|span|strong|sup)\b[^>]*>", "", body)
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def pages(results: Path, data: Path) -> list[bytes]:
    """A small picture of each page: PNG."""
    figures = sorted((results / "figures").glob("*.pdf"))
    with tempfile.TemporaryDirectory() as folder:
        compiler = lay_out(Path(folder), SOURCES, figures, data)
        pictures, _ = compiler.compile_with_warnings(format="png", ppi=48)
    assert isinstance(pictures, list)
    return pictures


def read_data(output: Path) -> dict[str, Any]:
    return read_json(output / "paper.json")
