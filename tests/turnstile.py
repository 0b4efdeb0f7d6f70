"""Between the workers of one test run (pytest -n): a test that measures time runs while no other test does.

A conftest.py imports the two hooks. They are a lock for readers and writers, made of two file locks: a test that
measures (marker `measures`) holds the gate while it waits, so that tests that begin later run after it.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

FOLDER = pytest.StashKey[str]()


@pytest.hookimpl(optionalhook=True)  # pytest-xdist's, in the process that starts the workers
def pytest_configure_node(node: Any) -> None:
    """Give all workers the same folder for the locks."""
    config: pytest.Config = node.config
    if FOLDER not in config.stash:
        folder = tempfile.TemporaryDirectory(prefix="onboard-tests-")
        config.stash[FOLDER] = folder.name
        config.add_cleanup(folder.cleanup)
    node.workerinput["turnstile"] = config.stash[FOLDER]


@pytest.hookimpl(wrapper=True, tryfirst=True)  # outside pytest-timeout's limit, which is for the test alone
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    folder = getattr(item.config, "workerinput", {}).get("turnstile")
    if folder is None or os.name == "nt":
        return (yield)
    with _passed(Path(folder), alone=item.get_closest_marker("measures") is not None):
        return (yield)


@contextmanager
def _passed(folder: Path, *, alone: bool) -> Iterator[None]:
    import fcntl

    with (folder / "gate").open("w") as gate, (folder / "room").open("w") as room:
        fcntl.flock(gate, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(gate, fcntl.LOCK_UN)
        yield
