"""Draw any figure of the catalogue, `vaml.pipeline.figures.FIGURES`."""

from collections.abc import Callable

from vaml.analysis.figures import by_seed, paper, training, why
from vaml.analysis.figures.drawing import Drawing, FigureSettings, Tables
from vaml.analysis.figures.style import style
from vaml.config.fields import by_name

# A figure's function has its name.
_FUNCTIONS: dict[str, Callable[[Tables, FigureSettings], Drawing]] = by_name(
    {**vars(paper), **vars(by_seed), **vars(training), **vars(why)}
)


def draw(figure: str, tables: Tables, settings: FigureSettings) -> Drawing:
    """A figure by its name in the catalogue, in the study's style.

    tables: by name; the authors' as `published_<name>`.
    """
    with style():
        return _FUNCTIONS[figure](tables, settings)
