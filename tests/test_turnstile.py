"""The turnstile between workers, tried on a small run of its own."""

import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="file locks of POSIX systems")

CONFTEST = """
import time
from pathlib import Path
import pytest
from turnstile import pytest_configure_node, pytest_runtest_protocol

@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    began = time.monotonic()
    result = yield
    with open(Path(__file__).with_name("spans"), "a") as spans:
        spans.write(f"{item.name.partition('[')[0]} {began} {time.monotonic()}\\n")
    return result
"""
TESTS = """
import time
import pytest

@pytest.mark.parametrize("number", range(12))
def test_other(number):
    time.sleep(0.05)

@pytest.mark.measures
@pytest.mark.parametrize("number", range(6))
def test_measuring(number):
    time.sleep(0.05)
"""


def test_nothing_runs_while_a_test_measures(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    (tmp_path / "test_some.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers =\n  measures: alone\n")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    ended = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    spans = [line.split() for line in (tmp_path / "spans").read_text().splitlines()]
    assert len(spans) == 18
    together = [
        {one[0], other[0]}
        for one, other in combinations(spans, 2)
        if float(one[1]) < float(other[2]) and float(other[1]) < float(one[2])
    ]
    assert {"test_other"} in together, "nothing ran in two workers"
    assert not [names for names in together if "test_measuring" in names]
