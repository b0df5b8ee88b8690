"""What all tests share."""

import os

# Before anything imports torch: one thread, as in a job, so that sums have one order.
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"
