"""At the smallest and at the largest width that the config allows, no word leaves a figure."""

from typing import Any

import pytest
from annotated_types import Ge, Le
from example_tables import SETTINGS, published, tables
from matplotlib.backends.backend_agg import FigureCanvasAgg

from vaml.analysis.figures.draw import draw
from vaml.analysis.figures.style import style
from vaml.config.schema import Figures
from vaml.pipeline.figures import FIGURES


def bound(kind: Any, name: str) -> float:
    (found,) = [each for each in Figures.model_fields["width"].metadata if isinstance(each, kind)]
    return float(getattr(found, name))


@pytest.mark.slow
@pytest.mark.parametrize("width", [bound(Ge, "ge"), bound(Le, "le")])
@pytest.mark.parametrize("name", FIGURES)
def test_words_and_legends_are_inside(name: str, width: float) -> None:
    with style():
        settings = SETTINGS.model_copy(update={"width": width})
        figure, _ = draw(name, tables() | published(), settings)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        words = [*figure.texts, *figure.legends]
        for axes in figure.axes:
            words += [axes.title, axes.xaxis.label, axes.yaxis.label]
        page = figure.bbox.padded(1)
        for word in words:
            box = word.get_window_extent(canvas.get_renderer())
            inside = page.x0 <= box.x0 <= box.x1 <= page.x1
            assert inside, (name, getattr(word, "get_text", lambda: "legend")(), box)
            assert page.y0 <= box.y0 <= box.y1 <= page.y1, (name, box)
