"""Prints what the reliability tests counted, at the end of every run that has them."""

import pytest

_PREFIX = "reliability: "


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    totals: dict[str, tuple[int, int]] = {}
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, numbers in getattr(report, "user_properties", ()):
                if name.startswith(_PREFIX) and report.when == "call":
                    good, tried = totals.get(name, (0, 0))
                    totals[name] = (good + numbers[0], tried + numbers[1])
    if totals:
        terminalreporter.section("reliability")
        for name, (good, tried) in sorted(totals.items()):
            terminalreporter.line(f"{name.removeprefix(_PREFIX)}: {good} of {tried}")
