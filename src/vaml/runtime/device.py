"""VAML_DEVICE: the choice of jobs for a GPU, which belongs to the machine, not to the study."""

import os

from vaml.config.fields import JobSettings
from vaml.files import UnreadableFile

VARIABLE = "VAML_DEVICE"
_CHOICES = ("cpu", "auto", "cuda")


def device_choice() -> str:
    """The variable's value: cpu (the default), auto or cuda. UnreadableFile: another value."""
    choice = os.environ.get(VARIABLE, "cpu")
    if choice not in _CHOICES:
        raise UnreadableFile(f"{VARIABLE}: got {choice!r}; allowed: {', '.join(_CHOICES)}")
    return choice


def wants_gpu(settings: JobSettings) -> bool:
    """True if a job shall run on a GPU: every job with cuda, the faster ones there with auto."""
    choice = device_choice()
    return choice == "cuda" or (choice == "auto" and settings.faster_on_gpu)
