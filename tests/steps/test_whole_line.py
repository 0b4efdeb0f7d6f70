"""All steps on real hosts: from nothing to a node that answers with its nonce, twice, and back."""

import time

import pytest
from lab import STEP, VERSION, a_lab, wait_online
from realhosts import differences

from onboard.model.family import Family
from onboard.steps.catalog import proof_of
from onboard.steps.posix.place_nonce import nonce_path

# What a running agent writes by itself.
AGENTS_OWN = ("var/log/amazon/",)


def run_command(lab, node, lines):
    """What a Run Command through the cloud brings back."""
    client = lab.client()
    sent = client.send_command(
        InstanceIds=[node], DocumentName="AWS-RunShellScript", Parameters={"commands": lines}, TimeoutSeconds=30
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        asked = client.list_command_invocations(CommandId=sent["Command"]["CommandId"], Details=True)
        for one in asked["CommandInvocations"]:
            if one["Status"] not in ("Pending", "InProgress"):
                assert one["Status"] == "Success", one
                return one["CommandPlugins"][0]["Output"]
        time.sleep(0.1)
    raise AssertionError("no answer")


@pytest.mark.parametrize("kind", ["debian", "systemd", "rhel-like", "mksh", "busybox"])
def test_from_nothing_to_an_answer_and_back(tmp_path, kind):
    with a_lab(tmp_path, kind) as lab, lab.restored():
        lab.apply()
        assert list(lab.done) == ["configure_agent", "install_agent", "register_agent", "start_agent", "place_nonce"]
        assert all(done.changed for done in lab.done.values())
        assert VERSION in lab.host.packages()
        assert len(lab.agents()) == 1
        assert lab.host.run("find /var/lib/onboard -type f").stdout == f"{nonce_path(lab.run)}\n"
        assert lab.host.run(f"stat -c '%a %U' /var/lib/onboard {nonce_path(lab.run)}").stdout == "700 root\n600 root\n"

        wait_online(lab, lab.node)
        proof = proof_of(Family.POSIX, lab.run)
        for _ in range(2):
            assert run_command(lab, lab.node, proof.ask.splitlines()).strip() == lab.nonce.reveal()
        run_command(lab, lab.node, proof.remove.splitlines())
        assert not lab.host.exists("/var/lib/onboard")

        first = dict(lab.done)
        tree = lab.host.tree()
        assert lab.plan() == ["place_nonce"]
        with lab.connect() as connection:
            before = lab.before(connection)
            again = {
                name: STEP[name].apply(connection, before, lab.supplies()) for name in first if name != "place_nonce"
            }
        assert not any(done.changed or done.undo for done in again.values())
        assert again["register_agent"].output == {"instance_id": lab.node}
        changed = [line for line in differences(tree, lab.host.tree()) if not line.startswith(AGENTS_OWN)]
        assert changed == []
        assert len(lab.agents()) == 1
        assert lab.calls("RegisterManagedInstance") == 1

        lab.undo()
