"""Experiment A: random dynamics, model fits to them, and their test metrics."""


rule simulate_dynamics:
    output:
        dynamics=f"{folder('simulate_dynamics')}/dynamics.safetensors",
        transitions=f"{folder('simulate_dynamics')}/transitions.npz",
        resolved=f"{folder('simulate_dynamics')}/config.json",
        manifest=f"{folder('simulate_dynamics')}/manifest.json",
    log:
        f"{RESULTS}/logs/{jobs.FOLDERS['simulate_dynamics']}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{jobs.FOLDERS['simulate_dynamics']}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        config=settings("simulate_dynamics"),
        code=code("simulate_dynamics"),
        versions=versions("simulate_dynamics"),
        state=STATE,
    shell:
        "python -P -m vaml.simulate_dynamics --config {params.config:q} --state {params.state:q}"
        " --dynamics {output.dynamics:q} --transitions {output.transitions:q}"
        " --resolved {output.resolved:q} --manifest {output.manifest:q} 2> {log:q}"


rule fit_synthetic:
    input:
        dynamics=ancient(rules.simulate_dynamics.output.dynamics),
        transitions=ancient(rules.simulate_dynamics.output.transitions),
        # Its content represents the large files, whose dates alone do not start a fit.
        source=rules.simulate_dynamics.output.manifest,
    output:
        model=f"{folder('fit_synthetic')}/model.safetensors",
        curve=f"{folder('fit_synthetic')}/curve.csv",
        outcome=f"{folder('fit_synthetic')}/outcome.json",
        resolved=f"{folder('fit_synthetic')}/config.json",
        manifest=f"{folder('fit_synthetic')}/manifest.json",
    log:
        f"{RESULTS}/logs/{jobs.FOLDERS['fit_synthetic']}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{jobs.FOLDERS['fit_synthetic']}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        gpu=gpu("fit_synthetic"),
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=120,
    params:
        config=settings("fit_synthetic"),
        code=code("fit_synthetic"),
        versions=versions("fit_synthetic"),
        source_key=source_key("fit_synthetic"),
        state=STATE,
    shell:
        "python -P -m vaml.fit_synthetic --config {params.config:q} --state {params.state:q}"
        " --dynamics {input.dynamics:q} --transitions {input.transitions:q}"
        " --source {input.source:q} --source-key {params.source_key:q} --model {output.model:q} --curve {output.curve:q}"
        " --outcome {output.outcome:q}"
        " --resolved {output.resolved:q} --manifest {output.manifest:q} 2> {log:q}"


rule measure_synthetic:
    input:
        dynamics=ancient(rules.simulate_dynamics.output.dynamics),
        transitions=ancient(rules.simulate_dynamics.output.transitions),
        model=ancient(rules.fit_synthetic.output.model),
        outcome=ancient(rules.fit_synthetic.output.outcome),
        # Its content represents all of these, whose dates alone do not start anything.
        source=rules.fit_synthetic.output.manifest,
    output:
        metrics=f"{folder('measure_synthetic')}/metrics.json",
        resolved=f"{folder('measure_synthetic')}/config.json",
        manifest=f"{folder('measure_synthetic')}/manifest.json",
    log:
        f"{RESULTS}/logs/{jobs.FOLDERS['measure_synthetic']}.log",
    benchmark:
        f"{RESULTS}/benchmarks/{jobs.FOLDERS['measure_synthetic']}.tsv"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 1000 * attempt,
        runtime=20,
    params:
        config=settings("measure_synthetic"),
        code=code("measure_synthetic"),
        versions=versions("measure_synthetic"),
        source_key=source_key("measure_synthetic"),
        state=STATE,
    shell:
        "python -P -m vaml.measure_synthetic --config {params.config:q} --state {params.state:q}"
        " --dynamics {input.dynamics:q} --transitions {input.transitions:q}"
        " --model {input.model:q} --outcome {input.outcome:q}"
        " --source {input.source:q} --source-key {params.source_key:q} --metrics {output.metrics:q}"
        " --resolved {output.resolved:q} --manifest {output.manifest:q} 2> {log:q}"
