"""The schema that editors read is the one that the typed config gives."""

import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).parents[2]
SCHEMA = ROOT / "workflow" / "schemas" / "config.schema.yaml"


def test_schema_is_in_step_with_the_config() -> None:
    made = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "schema.py")],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "src")},
    ).stdout
    assert SCHEMA.read_text(encoding="utf-8") == made, "run make schema"


def test_schema_takes_the_config_and_refuses_an_unknown_key() -> None:
    schema = yaml.safe_load(SCHEMA.read_text(encoding="utf-8"))
    config = yaml.safe_load((ROOT / "config" / "config.yaml").read_text(encoding="utf-8"))
    jsonschema.validate(config, schema)
    config["sac"]["training"]["total_step"] = 1
    with pytest.raises(jsonschema.ValidationError, match="total_step"):
        jsonschema.validate(config, schema)
