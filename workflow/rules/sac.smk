"""Experiment B, the data: soft actor-critic runs."""


rule train_sac:
    output:
        history=f"{folder('train_sac')}/history.npz",
        snapshots=f"{folder('train_sac')}/snapshots.safetensors",
        evaluations=f"{folder('train_sac')}/evaluations.csv",
        training=f"{folder('train_sac')}/training.csv",
        outcome=f"{folder('train_sac')}/outcome.json",
        resolved=f"{folder('train_sac')}/config.json",
        manifest=f"{folder('train_sac')}/manifest.json",
    log:
        f"{RESULTS}/logs/{jobs.FOLDERS['train_sac']}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{jobs.FOLDERS['train_sac']}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=gpu("train_sac"),
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=300,
    params:
        config=settings("train_sac"),
        code=code("train_sac"),
        versions=versions("train_sac"),
        state=STATE,
    shell:
        "python -P -m vaml.train_sac --config {params.config:q} --state {params.state:q}"
        " --history {output.history:q} --snapshots {output.snapshots:q}"
        " --evaluations {output.evaluations:q} --training {output.training:q} --outcome {output.outcome:q}"
        " --resolved {output.resolved:q} --manifest {output.manifest:q} 2> {log:q}"
