"""Experiment C: model-based actor-critic."""


rule train_mbac:
    output:
        networks=f"{folder('train_mbac')}/networks.safetensors",
        evaluations=f"{folder('train_mbac')}/evaluations.csv",
        training=f"{folder('train_mbac')}/training.csv",
        fits=f"{folder('train_mbac')}/fits.csv",
        diagnostics=f"{folder('train_mbac')}/diagnostics.csv",
        outcome=f"{folder('train_mbac')}/outcome.json",
        resolved=f"{folder('train_mbac')}/config.json",
        manifest=f"{folder('train_mbac')}/manifest.json",
    log:
        f"{RESULTS}/logs/{jobs.FOLDERS['train_mbac']}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{jobs.FOLDERS['train_mbac']}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=gpu("train_mbac"),
        mem_mb=lambda wildcards, attempt: 1500 * attempt,
        runtime=300,
    params:
        config=settings("train_mbac"),
        code=code("train_mbac"),
        versions=versions("train_mbac"),
        state=STATE,
    shell:
        "python -P -m vaml.train_mbac --config {params.config:q} --state {params.state:q}"
        " --networks {output.networks:q} --evaluations {output.evaluations:q}"
        " --training {output.training:q}"
        " --fits {output.fits:q} --diagnostics {output.diagnostics:q}"
        " --outcome {output.outcome:q}"
        " --resolved {output.resolved:q} --manifest {output.manifest:q} 2> {log:q}"
