"""The engine as the wizard's child; the wizard's tests give it real orders."""

import json
import os
import subprocess
import sys
from pathlib import Path

from onboard.engine.journal import Journal


def test_a_wizard_that_has_gone_is_no_defect_and_what_runs_ends_cleanly() -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "onboard", "engine"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.close()
    host = {"name": "nowhere", "address": "127.0.0.1", "port": 1}
    with child.stdin as orders:
        orders.write(json.dumps({"id": 1, "do": "check", "profile": {"hosts": [host]}}).encode() + b"\n")
    child.wait(60)
    home = Path(os.environ["ONBOARD_HOME"])
    assert not (home / "defects.log").exists()
    journal = Journal(home)
    assert [bool(run.finished) for run in journal.runs()] == [True]
    journal.close()
