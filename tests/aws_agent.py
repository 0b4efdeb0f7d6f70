"""AWS's own agent in tests: where its package is, and what its log of errors may hold, each line with its reason.

package()                                       the .deb that ONBOARD_REAL_AGENT names; skips without it
unexpected_errors(host, NOT_REGISTERED)         lines of errors.log that none of these allows
"""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from realhosts import RealHost

ERRORS = "/var/log/amazon/ssm/errors.log"
NOT_REGISTERED = {
    r"Agent failed to assume any identity": "the package starts the agent before it is registered",
    r"failed to find identity, retrying: failed to find agent identity": "the same: it looks for it three times",
    r"failed to get identity: failed to find agent identity": "the same: it ends, and is started again by its step",
    r"Error occurred when starting amazon-ssm-agent: failed to get identity: .*": "the same",
}
LOOKS_FOR_EC2 = {
    r"\[EC2Identity\] Failed to get instance info from IMDS\. .*": "unless configured otherwise, it asks EC2 who it is",
    r"caused by: : ?": "the same: its second line",
    r"\tstatus code: 0, request id: ?": "the same: its third line",
    r"caused by: RequestError: send request failed": "the same: its fourth line",
    r'caused by: Put "http://169\.254\.169\.254/latest/api/token": .*': "the same: no EC2 answers here",
}
DENIED = {
    r".*Failed to get controlchannel token, .*<AccessDeniedException>.*": "the channel is switched off",
}
NO_EC2MESSAGES = {
    r".*GetMessages Error: UnknownOperationException: ?": "the service is switched off, as in a new Region",
    r"\tstatus code: 404, request id: ?": "the same: its second line",
}
FULL = {r".*ProcessorBufferFull.*": "more commands at once than it takes; the cloud sends the others again"}


def package() -> Path:
    """The .deb that ONBOARD_REAL_AGENT names. Skips the test without it."""
    name = os.environ.get("ONBOARD_REAL_AGENT")
    if not name:
        pytest.skip("needs AWS's own agent: ONBOARD_REAL_AGENT names its .deb")
    return Path(name)


def version() -> str:
    """That package's version, as AWS numbers agents."""
    asked = ["dpkg-deb", "-f", str(package()), "Version"]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip().removesuffix("-1")


def unexpected_errors(host: RealHost, *expected: Mapping[str, str]) -> list[str]:
    """Lines of errors.log that nobody expects; the next journey begins with an empty one."""
    known = {pattern for one in expected for pattern in one}
    lines = host.run(f"cat {ERRORS}; : >{ERRORS}").stdout.splitlines()
    said = [re.sub(r"^.*? ERROR (\[\S+ @ \S+\] )?", "", line) for line in lines if line.strip()]
    return [line for line in said if not any(re.fullmatch(pattern, line) for pattern in known)]
