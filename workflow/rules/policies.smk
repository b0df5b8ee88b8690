"""A sheet of frames and a film of a trained policy. Not part of `all`: ask for the file by its name."""


rule render_policy:
    input:
        f"{RESULTS}/{{run}}/config.json",
        f"{RESULTS}/{{run}}/outcome.json",
        f"{RESULTS}/{{run}}/manifest.json",
        networks=lambda wildcards: (
            f"{RESULTS}/{wildcards.run}/snapshots.safetensors"
            if wildcards.run.startswith("train_sac/")
            else f"{RESULTS}/{wildcards.run}/networks.safetensors"
        ),
    output:
        png=f"{RESULTS}/policies/{{run}}.png",
        gif=f"{RESULTS}/policies/{{run}}.gif",
    log:
        f"{RESULTS}/logs/policies/{{run}}.log",
    benchmark:
        f"{RESULTS}/benchmarks/policies/{{run}}.tsv"
    wildcard_constraints:
        run="train_(sac|mbac)/.+",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1500,
        runtime=10,
    params:
        code=program("render_policy"),
        stage=lambda wildcards: wildcards.run.partition("/")[0],
        run=lambda wildcards: f"{RESULTS}/{wildcards.run}",
    shell:
        "python -P -m vaml.render_policy --stage {params.stage:q} --run {params.run:q}"
        " --png {output.png:q} --gif {output.gif:q} 2> {log:q}"
