"""The stand-in agent leaves on a host what AWS's own agent leaves there, so that tests with it see what that does."""

import re
import time

import pytest
from lab import a_lab, wait_online

from onboard.model.profile import AgentSection

CREDENTIALS = "/root/.aws/credentials"
ROOTS_OWN = "[default]\naws_access_key_id=AKIAROOTSOWNROOTSOWN\n\n[other]\nregion = eu-west-1\n"
# Programs and documents; files within folders that both have, which nobody but the agent looks at.
NOT_IMITATED = (
    r"usr/(bin|share)/.*|etc/init(/.*)?|etc/amazon/ssm/.*(\.md|seelog\.xml\.template)|"
    r"var/log/amazon/ssm/.*|var/lib/amazon/ssm/ipc/.*"
)
ITS_OWN = r"etc/(init|rc[0-6S])\.d/.*"


def left_by(lab):
    """What an apply leaves: path → its type and what others may do with it; root's credentials, without values."""
    lab.profile = lab.profile.model_copy(update={"agent": AgentSection(share_credentials=True)})
    lab.host.write(CREDENTIALS, ROOTS_OWN, 0o640)
    before = lab.host.tree()
    lab.apply()
    wait_online(lab, lab.node)
    deadline = time.monotonic() + 20
    while not lab.host.exists(f"/var/lib/amazon/ssm/{lab.node}/replies_mgs") and time.monotonic() < deadline:
        time.sleep(0.1)
    tree = {path.replace(lab.node, "mi-"): told for path, told in lab.host.tree().items() if before.get(path) != told}
    changed = {path: told[0] + told[4:10] for path, told in tree.items() if not re.fullmatch(NOT_IMITATED, path)}
    return changed, re.sub(r"= .*", "= …", lab.host.read(CREDENTIALS))


@pytest.mark.timeout(300)
def test_it_leaves_what_the_real_agent_leaves(tmp_path):
    found = {}
    for whose in ("aws", "stand-in"):
        (tmp_path / whose).mkdir()
        with a_lab(tmp_path / whose, "systemd") as lab:
            if whose == "aws":
                lab.take_aws_agent()
            found[whose] = left_by(lab)
    (real, credentials), (ours, written) = found["aws"], found["stand-in"]
    assert written == credentials
    assert {path: told for path, told in ours.items() if not re.fullmatch(ITS_OWN, path)} == real
