"""Where a job's networks and batches live: a matter of the machine, not of the study."""

import os
from typing import Any

import torch

from vaml.study.files import UnreadableFile
from vaml.study.job import Job

CPU = torch.device("cpu")
_VARIABLE = "VAML_DEVICE"
_CHOICES = ("cpu", "auto", "cuda")


def job_device(job: Job[Any]) -> torch.device:
    """The device that VAML_DEVICE asks for, for the job's manifest to name.

    cpu, as without the variable; cuda; or auto: cuda where there is one, else cpu. Random numbers
    are drawn on the CPU and then moved, so that no stream depends on the device. UnreadableFile:
    another value, or no CUDA where it is asked for.
    """
    choice = os.environ.get(_VARIABLE, "cpu")
    if choice not in _CHOICES:
        raise UnreadableFile(f"{_VARIABLE}: got {choice!r}; allowed: {', '.join(_CHOICES)}")
    if choice == "cpu":
        return CPU
    if not torch.cuda.is_available():
        if choice == "cuda":
            raise UnreadableFile(
                f"{_VARIABLE}: got 'cuda', but torch {torch.__version__} finds no CUDA device; "
                "allowed here: cpu, auto"
            )
        return CPU
    job.device = f"cuda ({torch.cuda.get_device_name()})"
    return torch.device("cuda")
