"""The step that draws a figure: its files, byte for byte, and what it refuses."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pytest
from derived_files import vouch
from example_tables import SETTINGS, tables

from vaml import plot
from vaml.analysis.figures.draw import draw
from vaml.analysis.tables.aggregates import read_table
from vaml.files import write_rows
from vaml.pipeline.figures import FIGURES


def write_tables(folder: Path, frames: Mapping[str, pd.DataFrame]) -> None:
    for name, rows in frames.items():
        columns = [str(column) for column in rows.columns]
        file = folder / f"{name.removeprefix('published_')}.csv"
        write_rows(file, columns, rows.to_dict("records"))
        vouch(file)


def flags(figure: str, folder: Path, output: Path) -> list[str]:
    sources = [str(folder / f"{table}.csv") for table in FIGURES[figure].tables]
    outputs = [f"--{suffix}={output / figure}.{suffix}" for suffix in ("pdf", "png", "csv")]
    published = [str(folder / f"{table}.csv") for table in FIGURES[figure].authors]
    inputs = ["--tables", *sources, "--published", *published]
    return [figure, "--config", SETTINGS.model_dump_json(), *inputs, *outputs]


@pytest.mark.slow
def test_the_step_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    write_tables(tmp_path, tables())
    for side, hash_seed in (("here", "1"), ("there", "7")):
        drawn = [flags(figure, tmp_path, tmp_path / side) for figure in FIGURES]
        code = f"from vaml import plot\nfor flags in {drawn}: plot.main(flags)"
        environment = {
            "PYTHONPATH": ":".join(sys.path),
            "PYTHONHASHSEED": hash_seed,
            "HOME": str(Path.home()),
        }
        subprocess.run([sys.executable, "-W", "error", "-c", code], env=environment, check=True)
    for figure in FIGURES:
        for suffix in ("pdf", "png", "csv", "manifest.json"):
            here, there = (tmp_path / side / f"{figure}.{suffix}" for side in ("here", "there"))
            assert here.read_bytes() == there.read_bytes()


def test_the_csv_beside_a_figure_is_what_it_shows(tmp_path: Path) -> None:
    write_tables(tmp_path, tables())
    plot.main(flags("figure_1", tmp_path, tmp_path))
    _, rows = draw("figure_1", tables(), SETTINGS)
    written = read_table(tmp_path / "figure_1.csv")
    pd.testing.assert_frame_equal(written, rows, check_dtype=False)


def test_the_pdf_keeps_its_text_and_has_no_date(tmp_path: Path) -> None:
    write_tables(tmp_path, tables())
    plot.main(flags("figure_2", tmp_path, tmp_path))
    pdf = (tmp_path / "figure_2.pdf").read_bytes()
    assert b"/CreationDate" not in pdf
    assert b"/FontFile2" in pdf  # TrueType
    assert b"/Type3" not in pdf


def test_the_step_names_the_tables_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tables(tmp_path, tables())
    wrong = [
        part.replace("snapshots.csv", "synthetic.csv")
        for part in flags("figure_2", tmp_path, tmp_path)
    ]
    with pytest.raises(SystemExit):
        plot.main(wrong)
    assert "figure_2 is drawn from snapshots" in capsys.readouterr().err


def test_the_step_names_a_table_that_is_missing_or_no_table(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"plot: .*synthetic\.csv"):
        plot.main(flags("figure_1", tmp_path, tmp_path))
    (tmp_path / "synthetic.csv").write_text("setting,hidden_size\nrealizable\n")
    vouch(tmp_path / "synthetic.csv")
    with pytest.raises(SystemExit, match=r"plot: .*synthetic\.csv: not a table"):
        plot.main(flags("figure_1", tmp_path, tmp_path))


def test_a_table_that_was_edited_by_hand_is_drawn_in_no_figure(tmp_path: Path) -> None:
    write_tables(tmp_path, tables())
    table = tmp_path / "synthetic.csv"
    table.write_text(table.read_text(encoding="utf-8").replace(",ok,", ",ok, ", 1))
    with pytest.raises(SystemExit) as ended:
        plot.main(flags("figure_1", tmp_path, tmp_path))
    told = str(ended.value.code)
    assert told.startswith(f"plot: {table}: was changed after it was made, as {tmp_path}")
    assert "\n" not in told
    assert not (tmp_path / "figure_1.png").exists()
