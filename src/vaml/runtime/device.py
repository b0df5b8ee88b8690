"""VAML_DEVICE: which jobs go to a GPU, a matter of the machine and not of the study."""

import os

from vaml.config.fields import JobSettings
from vaml.files import UnreadableFile

VARIABLE = "VAML_DEVICE"
_CHOICES = ("cpu", "auto", "cuda")


def device_choice() -> str:
    """cpu, as without the variable; auto; or cuda. UnreadableFile: another value."""
    choice = os.environ.get(VARIABLE, "cpu")
    if choice not in _CHOICES:
        raise UnreadableFile(f"{VARIABLE}: got {choice!r}; allowed: {', '.join(_CHOICES)}")
    return choice


def wants_gpu(settings: JobSettings) -> bool:
    """Whether a job shall run on a GPU: each with cuda, with auto what is faster there."""
    choice = device_choice()
    return choice == "cuda" or (choice == "auto" and settings.faster_on_gpu)
