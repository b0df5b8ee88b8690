"""Tables from the jobs' results, figures from the tables."""


def table_files(wildcards):
    """The files that a table gathers, with the manifests that vouch for them."""
    stage, name = TABLES[wildcards.table]
    return results(stage, [name, "manifest.json"])


rule tabulate:
    input:
        table_files,
    output:
        table=f"{RESULTS}/tables/{{table}}.csv",
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
        config=lambda wildcards: jobs.branch(TABLES[wildcards.table][0], STUDY),
        code=code("tabulate"),
        results=RESULTS,
    shell:
        "python -m vaml.tabulate {wildcards.table} --config {params.config:q}"
        " --results {params.results:q} --table {output.table:q} 2> {log:q}"


def figure_settings(wildcards):
    """Canonical JSON of what all figures share; the objectives in the order of their selection."""
    objectives = [*STUDY.synthetic.objectives, *STUDY.snapshots.objectives]
    return jobs.canonical(
        {
            **STUDY.figures.model_dump(mode="json"),
            "study": STUDY.study.name,
            "objectives": list(dict.fromkeys(objectives)),
            "agents": STUDY.mbac.agents,
        }
    )


rule plot:
    input:
        lambda wildcards: [f"{RESULTS}/tables/{table}.csv" for table in FIGURES[wildcards.figure]],
    output:
        pdf=f"{RESULTS}/figures/{{figure}}.pdf",
        png=f"{RESULTS}/figures/{{figure}}.png",
        csv=f"{RESULTS}/figures/{{figure}}.csv",
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
        config=figure_settings,
        code=code("plot"),
    shell:
        "python -m vaml.plot {wildcards.figure} --config {params.config:q}"
        " --tables {input:q} --pdf {output.pdf:q} --png {output.png:q} --csv {output.csv:q}"
        " 2> {log:q}"
