"""How fast this machine is, so that tests with a limit in milliseconds mean the same on a slow one."""

import statistics
import time

REFERENCE = 0.008  # CPU seconds that `_work` takes on the machine that the limits were set on
ROUNDS = 9


def slowness() -> float:
    """By how much longer than the reference this machine takes for plain Python, now; at least 1."""
    took = []
    for _ in range(ROUNDS):
        began = time.thread_time()
        _work()
        took.append(time.thread_time() - began)
    return max(1.0, statistics.median(took) / REFERENCE)


def _work() -> int:
    rows = [{"name": f"server-{number}", "tags": {"site": f"site-{number % 7}"}} for number in range(20_000)]
    return sum(len(" ".join((str(row["name"]), *row["tags"])).lower()) for row in rows)
