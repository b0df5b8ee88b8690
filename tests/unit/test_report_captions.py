"""The captions of the report's figures: whole for every figure, with no name left undefined."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from jinja2 import Environment, StrictUndefined

from vaml.config.yaml_file import merged
from vaml.pipeline.figures import FIGURES

ROOT = Path(__file__).parents[2]
CAPTION = ROOT / "workflow" / "report" / "figures.rst"


@pytest.mark.parametrize("figure", FIGURES)
def test_a_caption_names_question_axes_n_and_interval(figure: str) -> None:
    # Snakemake prints nothing for an undefined name.
    environment = Environment(undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    snakemake = SimpleNamespace(
        wildcards=SimpleNamespace(figure=figure),
        config=merged([ROOT / "config" / "config.yaml"]),
    )
    text = environment.from_string(CAPTION.read_text(encoding="utf-8")).render(snakemake=snakemake)
    for part in ("**Question.**", "**Axes.**", "**n.**", "**Interval.**", "**Caveat.**"):
        assert text.count(part) == 1
