"""The manuscript, from its source and the results."""

PAPER = os.path.relpath(SOURCE.parent / "paper")
PAPER_TABLES = expand(f"{RESULTS}/tables/{{table}}.csv", table=paper_tables(STUDY_TABLES))
PAPER_FIGURES = expand(f"{RESULTS}/figures/{{figure}}.pdf", figure=STUDY_FIGURES)


rule compile_paper:
    input:
        claims=f"{RESULTS}/claims.json",
        tables=PAPER_TABLES,
        figures=PAPER_FIGURES,
        derived=manifests([f"{RESULTS}/claims.json", *PAPER_TABLES, *PAPER_FIGURES]),
        sources=[f"{PAPER}/main.typ", f"{PAPER}/style.typ", f"{PAPER}/references.bib"],
        # It prints the description of every setting, which the digest of code leaves out.
        descriptions=os.path.relpath(SOURCE.parent / "workflow" / "schemas" / "config.schema.yaml"),
        # Record of the code and versions behind the results.
        manifests=[
            manifest for stage in jobs.FOLDERS for manifest in results(stage, ["manifest.json"])
        ],
    output:
        pdf=report(
            f"{RESULTS}/paper.pdf",
            caption="../report/paper.rst",
            category="Paper",
            labels={"file": "the manuscript"},
        ),
        data=f"{RESULTS}/paper.json",
        manifest=f"{RESULTS}/paper.manifest.json",
    log:
        f"{RESULTS}/logs/paper.log",
    benchmark:
        f"{RESULTS}/benchmarks/paper.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        # The manuscript states the settings of every experiment.
        config=canonical(STUDY),
        code=program("compile_paper"),
        results=lambda wildcards: RESULTS,
    shell:
        "python -P -m vaml.compile_paper --config {params.config:q} --results {params.results:q}"
        " --claims {input.claims:q} --tables {input.tables:q} --figures {input.figures:q}"
        " --sources {input.sources:q} --data {output.data:q} --pdf {output.pdf:q} 2> {log:q}"
