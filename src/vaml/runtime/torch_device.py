"""The device of a job's networks and batches."""

from typing import Any

import torch

from vaml.files import UnreadableFile
from vaml.runtime.device import VARIABLE, device_choice, wants_gpu
from vaml.runtime.job import Job

CPU = torch.device("cpu")


def job_device(job: Job[Any]) -> torch.device:
    """The device that VAML_DEVICE gives this job, for the job's manifest to name.

    UnreadableFile: the value is not allowed, or is cuda where there is no CUDA. Without CUDA, auto
    means the CPU.
    """
    if not wants_gpu(job.settings):
        return CPU
    if not torch.cuda.is_available():
        if device_choice() == "cuda":
            raise UnreadableFile(
                f"{VARIABLE}: got 'cuda', but torch {torch.__version__} finds no CUDA device; "
                "allowed here: cpu, auto"
            )
        return CPU
    job.device = f"cuda ({torch.cuda.get_device_name()})"
    return torch.device("cuda")
