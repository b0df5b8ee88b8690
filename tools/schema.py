"""Write workflow/schemas/config.schema.yaml from the typed config, for editors and readers.

python tools/schema.py > workflow/schemas/config.schema.yaml
"""

import sys

import yaml

from vaml.config.schema import Config


def schema() -> str:
    """The JSON schema of the whole config, as YAML."""
    return yaml.safe_dump(Config.model_json_schema(), sort_keys=True, allow_unicode=True, width=100)


if __name__ == "__main__":
    sys.stdout.write(schema())
