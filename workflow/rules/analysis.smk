"""Tables from the jobs' results; figures, verdicts and summaries from the tables."""

import json

from vaml.pipeline.branches import branch
from vaml.config.claims import load_claims

CLAIMS_FILE = os.path.relpath(SOURCE.parent / "config" / "claims.yaml")
REFERENCE = os.path.relpath(SOURCE.parent / "paper" / "reference")

try:
    CLAIMS = load_claims(Path(CLAIMS_FILE))
except (ConfigError, OSError) as error:
    raise WorkflowError(str(error)) from None
JUDGED = [f"{RESULTS}/tables/{table}.csv" for table in CLAIMS.tables if table in STUDY_TABLES]


rule tabulate:
    input:
        table_files,
    output:
        table=report(
            f"{RESULTS}/tables/{{table}}.csv",
            caption="../report/tables.rst",
            category="Tables",
            subcategory="Every job",
            labels={"table": "{table}"},
        ),
        manifest=f"{RESULTS}/tables/{{table}}.manifest.json",
    log:
        f"{RESULTS}/logs/tables/{{table}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tables/{{table}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        config=lambda wildcards: branch(TABLES[wildcards.table][0], STUDY),
        code=program("tabulate"),
        results=lambda wildcards: RESULTS,
    shell:
        "python -P -m vaml.tabulate {wildcards.table} --config {params.config:q}"
        " --results {params.results:q} --table {output.table:q} 2> {log:q}"


rule plot:
    input:
        manifests=lambda wildcards: manifests(figure_tables(wildcards)),
        tables=figure_tables,
        published=lambda wildcards: [
            f"{REFERENCE}/{name}.csv" for name in FIGURES[wildcards.figure].authors
        ],
    output:
        pdf=in_report("pdf", "PDF"),
        png=in_report("png", "picture"),
        csv=in_report("csv", "numbers"),
        manifest=f"{RESULTS}/figures/{{figure}}.manifest.json",
    log:
        f"{RESULTS}/logs/figures/{{figure}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/figures/{{figure}}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=canonical(shared_settings(STUDY)),
        code=program("plot", "figure"),
    shell:
        "python -P -m vaml.plot {wildcards.figure} --config {params.config:q}"
        " --tables {input.tables:q} --published {input.published:q} --pdf {output.pdf:q} --png {output.png:q} --csv {output.csv:q}"
        " 2> {log:q}"


rule judge_claims:
    input:
        claims=CLAIMS_FILE,
        reference=[f"{REFERENCE}/{name}.csv" for name in AUTHORS],
        manifests=manifests(JUDGED),
        tables=JUDGED,
    output:
        csv=report(
            f"{RESULTS}/claims.csv",
            caption="../report/claims.rst",
            category="Verdicts",
            subcategory="In full",
            labels={"table": "all comparisons, with the authors’ numbers"},
        ),
        values=report(
            f"{RESULTS}/claims_values.csv",
            caption="../report/claims.rst",
            category="Verdicts",
            subcategory="In full",
            labels={"table": "the numbers behind them, run by run"},
        ),
        json=f"{RESULTS}/claims.json",
        manifest=f"{RESULTS}/claims.manifest.json",
    log:
        f"{RESULTS}/logs/judge_claims.log",
    benchmark:
        f"{RESULTS}/benchmarks/judge_claims.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=canonical(STUDY.statistics),
        code=program("judge_claims"),
    shell:
        "python -P -m vaml.judge_claims --config {params.config:q} --claims {input.claims:q}"
        " --reference {input.reference:q} --tables {input.tables:q}"
        " --csv {output.csv:q} --values {output.values:q} --json {output.json:q} 2> {log:q}"


rule summarise:
    input:
        manifests=lambda wildcards: manifests(summary_sources(wildcards)),
        sources=summary_sources,
    output:
        csv=report(
            f"{RESULTS}/tables/summary_{{summary}}.csv",
            caption="../report/summaries.rst",
            category=lambda wildcards: (
                "Verdicts" if wildcards.summary in ("claims", "comparisons") else "Tables"
            ),
            subcategory="In brief",
            labels={"table": "summary of {summary}"},
        ),
        md=f"{RESULTS}/tables/summary_{{summary}}.md",
        tex=f"{RESULTS}/tables/summary_{{summary}}.tex",
        manifest=f"{RESULTS}/tables/summary_{{summary}}.manifest.json",
    log:
        f"{RESULTS}/logs/tables/summary_{{summary}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/tables/summary_{{summary}}.tsv"
    wildcard_constraints:
        summary=pattern(SUMMARIES),
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        config=canonical({"confidence": STUDY.statistics.confidence}),
        code=program("summarise"),
    shell:
        "python -P -m vaml.summarise {wildcards.summary} --config {params.config:q}"
        " --inputs {input.sources:q} --csv {output.csv:q} --md {output.md:q} --tex {output.tex:q}"
        " 2> {log:q}"


rule summarise_costs:
    input:
        manifests=[
            manifest for stage in jobs.FOLDERS for manifest in results(stage, ["manifest.json"])
        ],
    output:
        csv=report(
            f"{RESULTS}/tables/costs.csv",
            caption="../report/costs.rst",
            category="Tables",
            subcategory="In brief",
            labels={"table": "what the study cost"},
        ),
        md=f"{RESULTS}/tables/costs.md",
        tex=f"{RESULTS}/tables/costs.tex",
        manifest=f"{RESULTS}/tables/costs.manifest.json",
    log:
        f"{RESULTS}/logs/tables/costs.log",
    benchmark:
        f"{RESULTS}/benchmarks/tables/costs.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        # Definition of the jobs.
        config=canonical(
            {
                stage: json.loads(branch(stage, STUDY))
                for stage in ["fit_synthetic", "fit_snapshot", "train_mbac"]
            }
        ),
        code=program("summarise_costs"),
        results=lambda wildcards: RESULTS,
    shell:
        "python -P -m vaml.summarise_costs --config {params.config:q} --results {params.results:q}"
        " --csv {output.csv:q} --md {output.md:q} --tex {output.tex:q} 2> {log:q}"
