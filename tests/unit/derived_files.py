"""Tables and the like that tests lay out, with the manifests that the rules hold them against."""

from pathlib import Path

from vaml.runtime.derivation import record


def vouch(*paths: Path) -> None:
    """As the rule that makes these files leaves them."""
    for path in paths:
        record("tabulate", [], [path])
