"""Each way in which a Run Command ends without success has its own cause; only a missing nonce speaks of clones."""

import pytest

from onboard.aws.commands import Invocation
from onboard.engine.command_ends import not_answered
from onboard.model.family import Family
from onboard.steps.catalog import proof_of

PROOF = proof_of(Family.POSIX, "run-1")
GONE = f"cat: {PROOF.path}: Datei oder Verzeichnis nicht gefunden"


@pytest.mark.parametrize(
    ("status", "details", "stderr", "why", "remedy"),
    [
        ("TimedOut", "ExecutionTimedOut", "", "did not finish it in time", "inotify"),
        ("TimedOut", "DeliveryTimedOut", "", "did not take the command", "ssmmessages"),
        ("Failed", "Undeliverable", "", "could not deliver", "amazon-ssm-agent service"),
        ("Cancelled", "Cancelled", "", "cancelled", "Ask who"),
        ("Failed", "Terminated", "", "ended since others", "Ask who"),
        ("Failed", "InvalidPlatform", "", "AWS-RunShellScript", "protocol"),
        ("Failed", "AccessDenied", "", "did not let", "ssm:SendCommand"),
        ("Failed", "RateExceeded", "", "Too many commands", "Wait"),
        ("Failed", "Failed", "fork/exec /bin/sh: resource temporarily unavailable", "fork/exec", "errors.log"),
        ("Failed", "", "", "printed no error", "errors.log"),
        ("Frozen", "Frozen", "", "does not know this status", "errors.log"),
    ],
)
def test_each_status_has_its_own_cause_and_none_speaks_of_clones(
    status: str, details: str, stderr: str, why: str, remedy: str
) -> None:
    error = not_answered(Invocation("c", "mi-1", status, stderr=stderr, details=details), "web", PROOF)
    assert why in error.why
    assert remedy in error.remedy
    assert "clone" not in str(error)


@pytest.mark.parametrize("details", ["Failed", ""])
def test_a_missing_nonce_speaks_of_clones_in_any_language(details: str) -> None:
    error = not_answered(Invocation("c", "mi-1", "Failed", stderr=GONE, details=details), "web", PROOF)
    assert "was not found on the machine that answered" in error.why
    assert "look for a clone" in error.remedy
