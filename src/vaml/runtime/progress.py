"""Progress lines in a job's log: units done, rate, time left."""

import logging
import time
from datetime import timedelta

# The first line comes soon, to show that the job works; the pauses then grow to the longest one.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 15.0


class Progress:
    """Log of progress at intervals. unit: its name. done: the units that earlier tries did."""

    def __init__(self, unit: str, total: int, done: int = 0) -> None:
        self.unit, self.total, self.first = unit, total, done
        self.start = self.last = time.monotonic()
        self.pause = _FIRST_PAUSE
        if done:
            logging.info("goes on from %s %d of %d", unit, done, total)

    def at(self, done: int) -> None:
        """Report that this many units are done."""
        now = time.monotonic()
        if now - self.last < self.pause and done < self.total:
            return
        self.last = now
        self.pause = min(2 * self.pause, _LONGEST_PAUSE)
        rate = (done - self.first) / max(now - self.start, 1e-9)
        left = timedelta(seconds=round((self.total - done) / max(rate, 1e-9)))
        logging.info("%s %d of %d, %.4g/s, %s left", self.unit, done, self.total, rate, left)
