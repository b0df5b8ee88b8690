"""Write the locks with hashes by `uv pip compile`: requirements.txt, -dev.txt and -extras.txt.

Each serves every Python and system that pyproject.toml names, and has nothing that requirements.txt
has. Versions stay as they are locked; `--upgrade` or `--upgrade-package NAME` takes newer ones.
torch stands in requirements-torch.txt alone, since its build is the user's choice: PyPI's build,
with CUDA, and those of PyTorch's own index have one version and many hashes. What only CUDA builds
need is left out for the same reason.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

LOCKS = {
    "requirements.txt": [],
    "requirements-dev.txt": ["--extra=dev"],
    "requirements-extras.txt": ["--extra=minari", "--extra=tensorboard"],
}
COMPILE = (
    *("uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal", "--python-version=3.11"),
    *("--generate-hashes", "--annotation-style=line", "--custom-compile-command=make lock"),
    *("--constraint=requirements-torch.txt", "--no-emit-package=torch"),
)
# What torch's build on PyPI asks for beside the libraries that all of its builds need.
CUDA_BUILD = (
    "cuda-bindings",
    "cuda-toolkit",
    "nvidia-cudnn-cu13",
    "nvidia-cusparselt-cu13",
    "nvidia-nccl-cu13",
    "nvidia-nvshmem-cu13",
    "triton",
)


def main() -> None:
    """Rewrite the three locks; the arguments go to uv."""
    with tempfile.TemporaryDirectory() as folder:
        excluded = Path(folder, "excluded")
        excluded.write_text("\n".join(CUDA_BUILD), encoding="utf-8")
        base = [f"--excludes={excluded}", *sys.argv[1:]]
        for lock, extras in LOCKS.items():
            subprocess.run([*COMPILE, *base, *extras, f"--output-file={lock}"], check=True)
            written = Path(lock).read_text(encoding="utf-8")
            # uv also lists what it left out, which would be all of requirements.txt.
            written = written.partition("\n# The following packages were excluded")[0]
            Path(lock).write_text(written, encoding="utf-8")
            if lock == "requirements.txt":
                locked = re.findall(r"^([a-z0-9-]+)==", written, flags=re.M)
                base += ["--constraint=requirements.txt"]
                base += [f"--no-emit-package={name}" for name in locked]


if __name__ == "__main__":
    main()
