"""AWS's own agent and the practice cloud, by either channel: what that agent reports as an error is one of the cloud's.

Its errors.log is read after each journey: every line in it is one of those that tests/aws_agent.py allows.
"""

import time

import pytest
from aws_agent import DENIED, ERRORS, FULL, NO_EC2MESSAGES, NOT_REGISTERED, unexpected_errors
from lab import a_lab, wait_online


def sent(lab, *lines):
    made = lab.client().send_command(
        DocumentName="AWS-RunShellScript", InstanceIds=[lab.node], Parameters={"commands": list(lines)}
    )
    return made["Command"]["CommandId"]


def becomes(lab, command_id, *statuses):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = lab.client().get_command_invocation(CommandId=command_id, InstanceId=lab.node)
        if found["Status"] in statuses:
            return found
        time.sleep(0.05)
    raise AssertionError(f"it stays {found['Status']}: {lab.host.read(ERRORS)}")


def begins(lab, file):
    """Wait until the script that writes this file has begun."""
    deadline = time.monotonic() + 60
    while not lab.host.exists(file):
        assert time.monotonic() < deadline, lab.host.read(ERRORS)
        time.sleep(0.05)


def answers(lab):
    found = becomes(lab, sent(lab, "echo one", "echo oops >&2", "exit 3"), "Failed", "Success", "TimedOut")
    assert (found["StatusDetails"], found["ResponseCode"], found["StandardOutputContent"]) == ("Failed", 3, "one\n")
    assert found["StandardErrorContent"].startswith("oops\n")


def used(lab, after=0):
    """The operations that were answered without an error."""
    return {call.operation for call in lab.cloud.calls.after(after) if not call.error}


@pytest.mark.timeout(300)
def test_it_takes_commands_by_either_channel(tmp_path):
    with a_lab(tmp_path, "systemd") as lab:
        lab.take_aws_agent()
        lab.apply()
        wait_online(lab, lab.node)

        answers(lab)
        long = sent(lab, ": >/run/begun", "sleep 100")
        becomes(lab, long, "InProgress")
        begins(lab, "/run/begun")  # cancelled before its script began, it would have another code
        lab.client().cancel_command(CommandId=long)
        assert becomes(lab, long, "Cancelled")["ResponseCode"] == 137
        many = [sent(lab, f"sleep 0.3; echo {number}") for number in range(14)]
        printed = [becomes(lab, one, "Success", "Failed", "TimedOut")["StandardOutputContent"] for one in many]
        assert printed == [f"{number}\n" for number in range(14)], "the agent takes ten at once; the others come again"
        assert "OpenControlChannel" in used(lab)
        assert unexpected_errors(lab.host, NOT_REGISTERED, FULL) == []

        # As in a new Region, and then as in one that denies the channel.
        lab.cloud.settings.update({"ec2messages": False})
        count = lab.cloud.calls.count
        answers(lab)
        assert not used(lab, count) & {"SendReply", "AcknowledgeMessage"}
        lab.cloud.settings.update({"ec2messages": True, "ssmmessages": False})
        answers(lab)
        assert used(lab, count) >= {"GetMessages", "SendReply", "AcknowledgeMessage"}
        assert unexpected_errors(lab.host, NO_EC2MESSAGES, DENIED) == []
