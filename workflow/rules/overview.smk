"""The page that one reads first."""

OVERVIEW_TABLES = expand(f"{RESULTS}/tables/{{table}}.csv", table=overview_tables(STUDY_TABLES))
OVERVIEW_FIGURES = expand(f"{RESULTS}/figures/{{figure}}.png", figure=STUDY_FIGURES)


rule write_overview:
    input:
        claims=f"{RESULTS}/claims.json",
        paper=f"{RESULTS}/paper.json",
        tables=OVERVIEW_TABLES,
        figures=OVERVIEW_FIGURES,
        derived=manifests(
            [
                f"{RESULTS}/claims.json",
                f"{RESULTS}/paper.json",
                *OVERVIEW_TABLES,
                *OVERVIEW_FIGURES,
            ]
        ),
        template=f"{TEMPLATES}/overview.html.jinja",
    output:
        html=report(
            f"{RESULTS}/overview.html",
            caption="../report/overview.rst",
            category="Overview",
            labels={"file": "verdicts, figures, tables, config and costs on one page"},
        ),
        manifest=f"{RESULTS}/overview.manifest.json",
    log:
        f"{RESULTS}/logs/overview.log",
    benchmark:
        f"{RESULTS}/benchmarks/overview.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=canonical(STUDY),
        # This clone's config of the paper's protocol, with which the page compares the study's.
        base=canonical(load(merged([SOURCE.parent / CONFIG]))),
        code=program("write_overview"),
    shell:
        "python -P -m vaml.write_overview --config {params.config:q} --base {params.base:q}"
        " --claims {input.claims:q} --paper {input.paper:q} --tables {input.tables:q}"
        " --figures {input.figures:q} --template {input.template:q} --html {output.html:q} 2> {log:q}"
