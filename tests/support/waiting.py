"""Waiting for a condition: the one place of the Python tests that may sleep."""

import time


def wait_until(condition, timeout=10.0, what="condition", interval=0.02):
    """Calls condition until its result is true, and returns that result."""
    deadline = time.monotonic() + timeout
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() >= deadline:
            raise AssertionError(f"{what}: not within {timeout} s")
        time.sleep(interval)
