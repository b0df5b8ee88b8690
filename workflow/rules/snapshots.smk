"""Experiment B: model fits to the replay buffers of SAC snapshots."""


rule fit_snapshot:
    input:
        history=ancient(rules.train_sac.output.history),
        snapshots=ancient(rules.train_sac.output.snapshots),
        # Its content stands for the large files, whose dates alone do not start a fit.
        source=rules.train_sac.output.manifest,
    output:
        model=f"{folder('fit_snapshot')}/model.safetensors",
        curve=f"{folder('fit_snapshot')}/curve.csv",
        outcome=f"{folder('fit_snapshot')}/outcome.json",
        resolved=f"{folder('fit_snapshot')}/config.json",
        manifest=f"{folder('fit_snapshot')}/manifest.json",
    log:
        f"{RESULTS}/logs/{jobs.FOLDERS['fit_snapshot']}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{jobs.FOLDERS['fit_snapshot']}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=gpu("fit_snapshot"),
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=300,
    params:
        config=settings("fit_snapshot"),
        code=code("fit_snapshot"),
        versions=versions("fit_snapshot"),
        source_key=source_key("fit_snapshot"),
        state=STATE,
    shell:
        "python -P -m vaml.fit_snapshot --config {params.config:q} --state {params.state:q}"
        " --history {input.history:q} --snapshots {input.snapshots:q}"
        " --source {input.source:q} --source-key {params.source_key:q} --model {output.model:q} --curve {output.curve:q}"
        " --outcome {output.outcome:q}"
        " --resolved {output.resolved:q} --manifest {output.manifest:q} 2> {log:q}"
