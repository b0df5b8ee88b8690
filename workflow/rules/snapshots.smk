"""Experiment B: model fits to the replay buffers of SAC snapshots, and their test metrics."""


rule fit_snapshot:
    input:
        history=ancient(rules.train_sac.output.history),
        snapshots=ancient(rules.train_sac.output.snapshots),
        # Its content represents the large files, whose dates alone do not start a fit.
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


rule measure_snapshot:
    input:
        history=ancient(rules.train_sac.output.history),
        snapshots=ancient(rules.train_sac.output.snapshots),
        model=ancient(rules.fit_snapshot.output.model),
        outcome=ancient(rules.fit_snapshot.output.outcome),
        # Its content represents all of these, whose dates alone do not start anything.
        source=rules.fit_snapshot.output.manifest,
    output:
        metrics=f"{folder('measure_snapshot')}/metrics.json",
        resolved=f"{folder('measure_snapshot')}/config.json",
        manifest=f"{folder('measure_snapshot')}/manifest.json",
    log:
        f"{RESULTS}/logs/{jobs.FOLDERS['measure_snapshot']}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{jobs.FOLDERS['measure_snapshot']}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=20,
    params:
        config=settings("measure_snapshot"),
        code=code("measure_snapshot"),
        versions=versions("measure_snapshot"),
        source_key=source_key("measure_snapshot"),
        state=STATE,
    shell:
        "python -P -m vaml.measure_snapshot --config {params.config:q} --state {params.state:q}"
        " --history {input.history:q} --snapshots {input.snapshots:q}"
        " --model {input.model:q} --outcome {input.outcome:q}"
        " --source {input.source:q} --source-key {params.source_key:q} --metrics {output.metrics:q}"
        " --resolved {output.resolved:q} --manifest {output.manifest:q} 2> {log:q}"
