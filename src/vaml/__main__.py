"""The user's commands: `vaml plan` and so on, or `python -m vaml plan`.

A command's module is loaded only where its name is given, so that `vaml --help` waits for none.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from vaml.runtime.terminal import print_anywhere

# Each is a module of vaml.commands, and that module defines `add_flags` and `run`.
COMMANDS = {
    "plan": "list the jobs that would run, with causes and times",
    "status": "show the progress of a study and its time left",
    "check-results": "check every result against its manifest",
    "clean-stale": "list, or remove, results that no job of the config makes",
    "pack": "write the finished jobs of a study into one archive",
    "unpack": "take finished jobs from an archive or from another study",
    "export-minari": "store the replay history of a SAC run as a Minari data set",
    "export-tensorboard": "write the curves of a study as TensorBoard event files",
}


def main() -> None:
    """The program `vaml`."""
    print_anywhere()
    run(sys.argv[1:])


def run(words: Sequence[str]) -> None:
    """Run the command that the first word names, with the flags after it.

    An error that the user can mend ends the process with one line and exit code 1, an unknown
    command or flag with exit code 2.
    """
    parser = argparse.ArgumentParser(
        prog="vaml",
        description="Operate a study. Start it in the project's folder.",
        epilog="`vaml COMMAND --help` lists its flags.",
    )
    commands = parser.add_subparsers(
        title="commands", dest="command", metavar="COMMAND", required=True
    )
    modules: dict[str, ModuleType] = {}
    for name, line in COMMANDS.items():
        flags = commands.add_parser(name, help=line)
        if name in words:
            modules[name] = import_module(f"vaml.commands.{name.replace('-', '_')}")
            flags.description = modules[name].__doc__
            modules[name].add_flags(flags)
    if not words:
        parser.print_help(sys.stderr)
        parser.exit(2)
    if words[0] not in COMMANDS and not words[0].startswith("-"):
        parser.exit(2, f"vaml: no command {words[0]!r}; allowed: {', '.join(COMMANDS)}\n")
    arguments = parser.parse_args(words)

    # Here, since these need pydantic and NumPy.
    from vaml.config.schema import ConfigError
    from vaml.files import UnreadableFile
    from vaml.pipeline.dry_run import DryRunFailed
    from vaml.runtime.extras import MissingExtra

    try:
        modules[arguments.command].run(arguments)
    except (ConfigError, DryRunFailed, MissingExtra, UnreadableFile, OSError) as error:
        # An error of an export's library does not say that it is about the export.
        exports = arguments.command.startswith("export-")
        sys.exit(f"{arguments.command}: {error}" if exports else str(error))


if __name__ == "__main__":
    main()
