"""Progress lines in a job's log: how far, how fast, how long still."""

import logging
import time
from datetime import timedelta

_SECONDS_BETWEEN_LINES = 15.0


class Progress:
    """Logs a line now and then; `unit` names what is counted, `done` what an earlier try did."""

    def __init__(self, unit: str, total: int, done: int = 0) -> None:
        self.unit, self.total, self.first = unit, total, done
        self.start = self.last = time.monotonic()
        if done:
            logging.info("goes on from %s %d of %d", unit, done, total)

    def at(self, done: int) -> None:
        """Say that this many are done."""
        now = time.monotonic()
        if now - self.last < _SECONDS_BETWEEN_LINES and done < self.total:
            return
        self.last = now
        rate = (done - self.first) / max(now - self.start, 1e-9)
        left = timedelta(seconds=round((self.total - done) / max(rate, 1e-9)))
        logging.info("%s %d of %d, %.4g/s, %s left", self.unit, done, self.total, rate, left)
