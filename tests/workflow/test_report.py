"""`make report`: one HTML file of the finished study, opened in a browser."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from finished_study import Project

from vaml.pipeline.figures import FIGURES
from vaml.pipeline.jobs import FOLDERS, TABLES
from vaml.pipeline.summaries import SUMMARIES

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on PATH: apt install chromium"),
]

# Opens each result as a click on its buttons does, and writes down what is then to be seen.
VISIT = """<script>
const pause = ms => new Promise(done => setTimeout(done, ms));
async function visit() {
    const page = document.querySelector("#app");
    const seen = {home: page.innerText, graph: page.querySelector("canvas").height,
                  rules: Object.keys(rules), results: {}};
    const views = new ToggleViewManager(app);
    for (const path of Object.keys(results)) {
        views.handleSelectedResult(path);
        await pause(20);
        app.showResultInfo(path);
        await pause(20);
        const pictures = [...page.querySelectorAll("img")];
        while (!pictures.every(picture => picture.complete)) await pause(20);
        seen.results[path] = {
            text: page.innerText,
            width: Math.max(0, ...pictures.map(picture => picture.naturalWidth)),
        };
    }
    document.body.textContent = "";
    document.body.appendChild(document.createElement("pre")).textContent = JSON.stringify(seen);
}
setTimeout(visit, 1000);
</script>"""


@pytest.fixture(scope="module")
def report(finished: Project, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report as a browser shows it, and the browser's errors."""
    folder = tmp_path_factory.mktemp("report")
    finished.snakemake("--report", str(folder / "report.html"), "--cores", "1")
    page, end, rest = (folder / "report.html").read_text(encoding="utf-8").rpartition("</body>")
    (folder / "visit.html").write_text(page + VISIT + end + rest, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    flags += ["--virtual-time-budget=60000", f"--user-data-dir={folder / 'browser'}"]
    done = subprocess.run(
        [str(CHROMIUM), *flags, "--dump-dom", f"file://{folder / 'visit.html'}"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    found = re.search(r"<pre>(\{.*\})</pre>", done.stdout, flags=re.DOTALL)
    assert found, done.stderr[-2000:]
    escapes = {"&lt;": "<", "&gt;": ">", "&nbsp;": " ", "&amp;": "&"}
    text = re.sub("&(lt|gt|nbsp|amp);", lambda match: escapes[match[0]], found[1])
    errors = re.findall(r'CONSOLE[^"]*"(Uncaught[^"]*)"', done.stderr)
    return {**json.loads(text), "errors": errors}


def test_it_opens_without_an_error_and_says_what_it_is(report: dict[str, Any]) -> None:
    assert report["errors"] == []
    home = report["home"]
    assert "Study tiny: the experiments of Lovatto" in home
    assert all(group in home for group in ("Overview", "Figures", "Paper", "Tables", "Verdicts"))
    assert report["graph"] > 300
    assert set(FOLDERS) < set(report["rules"])


def test_every_figure_is_shown_with_a_caption(report: dict[str, Any]) -> None:
    for figure in FIGURES:
        shown = report["results"][f"results/tiny/figures/{figure}.png"]
        assert shown["width"] >= 300
        assert all(word in shown["text"] for word in ("Question.", "Axes.", "n.", "Interval."))
        assert {f"results/tiny/figures/{figure}.{kind}" for kind in ("csv", "pdf")} < set(
            report["results"]
        )


def test_the_overview_is_read_in_a_browser_without_any_request(
    finished: Project, tmp_path: Path
) -> None:
    page = finished.results / "overview.html"
    script = """<script>window.onload = () => {
        document.querySelectorAll("details").forEach(each => { each.open = true; });
        document.body.dataset.text = document.body.innerText;
        document.body.dataset.pictures = JSON.stringify(
            [...document.images].map(each => [each.alt, each.naturalWidth]));
        document.body.dataset.requests = performance.getEntriesByType("resource")
            .filter(each => !each.name.startsWith("data:")).length;
        document.body.dataset.verdict = getComputedStyle(
            document.querySelector(".not-tested")).backgroundColor;
    };</script>"""
    visited = tmp_path / "visit.html"
    visited.write_text(page.read_text(encoding="utf-8") + script, encoding="utf-8")
    flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'b'}"]
    command = [str(CHROMIUM), *flags, "--virtual-time-budget=20000", "--dump-dom"]
    done = subprocess.run(
        [*command, f"file://{visited}"], capture_output=True, text=True, timeout=300
    )
    data = dict(re.findall(r'data-(\w+)="([^"]*)"', done.stdout[done.stdout.index("<body") :]))
    pictures = json.loads(data["pictures"].replace("&quot;", '"'))
    assert len(pictures) == len(FIGURES)
    assert all(width >= 300 for _, width in pictures)
    assert data["requests"] == "0"
    assert data["verdict"] == "rgb(232, 232, 232)"
    assert "These numbers mean nothing" in data["text"]
    assert "VAML has a lower value-aware error" in data["text"] or "C1" in data["text"]
    assert "mbac.runs.Pusher-v4.total_steps: 60000 → " in data["text"]


def test_tables_verdicts_and_paper_are_there(report: dict[str, Any]) -> None:
    names = [f"tables/{table}.csv" for table in (*TABLES, "costs")]
    names += [f"tables/summary_{summary}.csv" for summary in SUMMARIES]
    names += ["claims.csv", "claims_values.csv", "paper.pdf"]
    texts = {name: report["results"][f"results/tiny/{name}"]["text"] for name in names}
    assert all(len(text) > 100 for text in texts.values())
    assert "0.95 confidence" in texts["claims.csv"]
    assert "diverged" in texts["tables/snapshots.csv"]


def test_a_study_of_one_experiment_has_its_report(editable: Project, tmp_path: Path) -> None:
    overlay = tmp_path / "alone.yaml"
    overlay.write_text("sac: {environments: []}\nmbac: {environments: []}\n", encoding="utf-8")
    alone = Project(editable.folder, editable.dag, (*editable.overlays, overlay))
    alone.snakemake("--cores", "2")
    page = tmp_path / "report.html"
    alone.snakemake("--report", str(page), "--cores", "1")
    text = page.read_text(encoding="utf-8")
    assert "results/tiny/figures/figure_1_seeds.png" in text
    assert "results/tiny/figures/figure_3_seeds.png" not in text
    assert "paper.pdf" in text
