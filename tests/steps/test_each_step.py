"""Each step on a real host: what it changes, that it is safe to repeat, what it refuses, and its way back."""

import base64
import json
import subprocess
import threading
import time
from dataclasses import replace
from hashlib import sha256

import pytest
from lab import REGION, STEP, a_lab, wait_online
from realhosts import differences

from onboard.model.profile import AgentSection, NetworkSection, Profile
from onboard.model.secret import Secret
from onboard.steps.base import Registration, StepFailed

CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
BUNDLE = {"debian": "/etc/ssl/certs/ca-certificates.crt", "rhel-like": "/etc/pki/tls/certs/ca-bundle.crt"}


def without_amazon_roots(lab, kind):
    if kind == "debian":
        lab.host.remove_amazon_roots()
        return
    # The stand-in of update-ca-trust builds the bundle from these.
    text = lab.host.read("/usr/share/ca-bundle.trust")
    ending = "-----END CERTIFICATE-----\n"
    kept = [part + ending for part in text.split(ending) if part.strip() and not is_amazons(part + ending)]
    lab.host.write("/usr/share/ca-bundle.trust", "".join(kept))
    lab.host.run("update-ca-trust")


def is_amazons(pem):
    said = subprocess.run(["openssl", "x509", "-noout", "-subject"], input=pem, capture_output=True, text=True).stdout
    return "Amazon" in said or "Starfield" in said


@pytest.mark.parametrize("kind", ["debian", "rhel-like"])
def test_roots_are_added_where_they_are_missing_and_removed_byte_for_byte(tmp_path, kind):
    with a_lab(tmp_path, kind) as lab:
        assert "install_roots" not in lab.plan()
        without_amazon_roots(lab, kind)
        assert "install_roots" not in lab.plan(), "only where the profile allows the fix"
        lab.fixes = frozenset({"install_roots"})
        few = lab.host.read(BUNDLE[kind]).count("BEGIN CERT")
        with lab.restored():
            lab.apply("install_roots")
            assert len(lab.done["install_roots"].undo["certificates"].split()) == 5
            assert lab.host.read(BUNDLE[kind]).count("BEGIN CERT") == few + 5
            with lab.connect() as connection:
                before = lab.before(connection)
                assert len(before.facts.known()["root_certificates"].amazon) == 5
                tree = lab.host.tree()
                again = STEP["install_roots"].apply(connection, before, lab.supplies())
            assert again.changed, "its record is there until the nonce is placed"
            assert lab.host.tree() == tree
            lab.undo()


@pytest.mark.parametrize(
    "old",
    [
        '{"Profile": {"ShareCreds": false}, "Ssm": {"Endpoint": "x", "HealthFrequencyMinutes": 5}}\r\n\n',
        '{\n\t"Agent": {"Region": "ü"}\n}',
        "",
    ],
)
def test_configuration_is_merged_and_put_back_byte_for_byte(lab, old):
    if old:
        lab.host.write(CONFIG, old, 0o640)
    with lab.restored():
        lab.apply("configure_agent")
        written = json.loads(lab.host.read(CONFIG))
        assert written["Identity"] == {"ConsumptionOrder": ["OnPrem"]}
        assert {written[name]["Endpoint"] for name in ("Ssm", "Mds", "S3")} == {lab.cloud.endpoint_url}
        assert written["Mgs"]["Endpoint"] == lab.cloud.messages_url
        if "ShareCreds" in old:
            assert written["Profile"] == {"ShareCreds": False}
            assert written["Ssm"]["HealthFrequencyMinutes"] == 5
        if old:
            assert lab.host.run(f"stat -c %a {CONFIG}").stdout == "640\n"
        lab.undo()


def test_configuration_of_somebody_else_is_not_overwritten(lab):
    with lab.connect() as connection:
        before = lab.before(connection)
        lab.host.write(CONFIG, '{"Agent": {"Region": "elsewhere"}}')
        tree = lab.host.tree()
        with pytest.raises(StepFailed, match="changed by somebody else"):
            STEP["configure_agent"].apply(connection, before, lab.supplies())
        lab.host.write(CONFIG, "{ not JSON")
        broken = lab.before(connection)
        assert STEP["configure_agent"].plan(broken) is not None
        with pytest.raises(StepFailed, match="not contain a JSON object"):
            STEP["configure_agent"].apply(connection, broken, lab.supplies())
    lab.host.write(CONFIG, '{"Agent": {"Region": "elsewhere"}}')
    assert lab.host.tree() == tree


def test_the_agents_service_gets_the_proxy(systemd_lab):
    lab = systemd_lab
    # The practice cloud is not behind the proxy: the agent has to go around it.
    address = lab.cloud.endpoint_url.split("/")[2].split(":")[0]
    endpoints = lab.profile.network.endpoints
    network = NetworkSection(proxy="http://proxy.invalid:3128", no_proxy=(address, "*.lab"), endpoints=endpoints)
    lab.profile = Profile(network=network)
    with lab.restored():
        lab.apply()
        pid = lab.host.run("systemctl show -p MainPID --value amazon-ssm-agent").stdout.strip()
        environment = lab.host.run(f"tr '\\0' '\\n' </proc/{pid}/environ").stdout.splitlines()
        assert "https_proxy=http://proxy.invalid:3128" in environment
        assert f"no_proxy={address},*.lab,169.254.169.254" in environment
        assert lab.plan() == ["place_nonce"]
        lab.undo()


def test_a_proxy_is_refused_where_nothing_reads_it(lab):
    lab.profile = Profile(network=NetworkSection(proxy="http://proxy.invalid:3128"))
    tree = lab.host.tree()
    with pytest.raises(StepFailed, match="is not read by what manages services here"):
        lab.apply("configure_proxy")
    assert lab.host.tree() == tree


class Tampered:
    """A connection on whose server the account's own files change after they were verified."""

    def __init__(self, connection, host):
        self._connection = connection
        self._host = host
        self.host = connection.host
        self.can = connection.can
        self.run_script = connection.run_script

    def upload(self, source, *, sha256, timeout=600.0):
        path = self._connection.upload(source, sha256=sha256, timeout=timeout)
        self._host.run(f"echo evil >> {path}")
        return path


def test_a_package_that_changed_after_its_upload_is_not_installed(lab):
    with lab.restored(), lab.connect() as connection:
        before = lab.before(connection)
        with pytest.raises(StepFailed, match="SHA-256 differs"):
            STEP["install_agent"].apply(Tampered(connection, lab.host), before, lab.supplies())
        assert "amazon-ssm-agent" not in lab.host.packages()
        STEP["install_agent"].undo(connection, {})


@pytest.mark.parametrize("then", ["resumed", "undone"])
def test_an_installation_that_broke_off_in_the_middle_is_mended_or_taken_back(lab, then, monkeypatch):
    def status():
        return lab.host.run("dpkg-query -W -f '${Status}' amazon-ssm-agent", check=False).stdout

    with monkeypatch.context() as broken:
        broken.setattr("onboard.practice.packages.AFTER_INSTALL", "#!/bin/sh\nexit 1\n")
        bad = lab.package().path.rename(lab.folder / "bad.deb")
    with lab.restored(), lab.connect() as connection:
        package = replace(lab.package(), path=bad, sha256=sha256(bad.read_bytes()).hexdigest())
        with pytest.raises(StepFailed, match="not installed"):
            STEP["install_agent"].apply(connection, lab.before(connection, package=package), lab.supplies())
        assert status() == "install ok half-configured"
        before = lab.before(connection)
        assert STEP["install_agent"].plan(before) is not None
        undo = STEP["install_agent"].planned_undo(before, lab.supplies())
        if then == "resumed":
            undo = STEP["install_agent"].apply(connection, before, lab.supplies()).undo
            assert status() == "install ok installed"
        assert STEP["install_agent"].undo(connection, undo).changed
        assert status() == ""


@pytest.mark.parametrize("kind", ["debian", "rhel-like"])
def test_an_older_agent_is_upgraded_and_then_left(tmp_path, kind):
    with a_lab(tmp_path, kind) as lab:
        lab.version = "3.3.4624.0"
        lab.apply("install_agent")
        with lab.connect() as connection:
            lab.version = "3.3.4851.0"
            before = lab.before(connection)
            # The record of the first one counts until the nonce is placed, as at the end of a run.
            STEP["place_nonce"].apply(connection, before, lab.supplies())
            before = lab.before(connection)
            assert STEP["install_agent"].plan(before).summary == "Upgrade the agent from 3.3.4624.0 to 3.3.4851.0"
            done = STEP["install_agent"].apply(connection, before, lab.supplies())
            assert done.undo["version"] == "3.3.4624.0"
            assert "3.3.4851.0" in lab.host.packages()
            undone = STEP["install_agent"].undo(connection, done.undo)
            assert not undone.changed
            assert "upgraded from 3.3.4624.0 to 3.3.4851.0 and is left so" in undone.detail
            lab.version = "3.3.4624.0"
            assert STEP["install_agent"].plan(lab.before(connection)) is None, "never a downgrade"


def test_a_registration_of_another_account_or_region_is_never_overridden(lab):
    lab.apply("configure_agent", "install_agent")
    lab.host.register_elsewhere()
    tree = lab.host.tree()
    with lab.connect() as connection:
        seen = lab.before(connection)
        assert STEP["register_agent"].plan(seen) is None
        with pytest.raises(StepFailed, match="not a node of account"):
            STEP["register_agent"].apply(connection, seen, lab.supplies())
        # Also where the facts were asked before somebody registered it.
        unseen = replace(seen, facts=type(seen.facts)({}))
        with pytest.raises(StepFailed, match="another Region"):
            STEP["register_agent"].apply(connection, unseen, lab.supplies())
        lab.host.register_elsewhere(region=REGION)
        unknown = replace(unseen, context=replace(seen.context, known_nodes=frozenset({"mi-00000000000000001"})))
        with pytest.raises(StepFailed, match="Another run of Onboard") as failed:
            STEP["register_agent"].apply(connection, unknown, lab.supplies())
        assert "clear" not in failed.value.remedy, "it may be a good one"
    lab.host.register_elsewhere()
    assert lab.host.tree() == tree
    assert lab.calls("RegisterManagedInstance") == 0


def test_a_refused_registration_says_why_and_can_be_repeated(lab):
    with lab.restored():
        lab.apply("configure_agent", "install_agent")
        used = lab.activation()
        wrong = Registration(used.activation_id, Secret("wrongwrongwrongwrong"), REGION)
        with lab.connect() as connection:
            before = lab.before(connection)
            with pytest.raises(StepFailed) as failed:
                STEP["register_agent"].apply(connection, before, replace(lab.supplies(), registration=lambda: wrong))
            assert failed.value.why.startswith("AWS does not know the activation")
            assert "InvalidActivation" in failed.value.evidence
            assert "wrongwrong" not in str(failed.value) + failed.value.evidence
        assert lab.host.run("find /var/lib/onboard -name '*.job'").stdout == ""
        lab.apply("register_agent")
        assert lab.done["register_agent"].changed
        lab.undo()


@pytest.mark.parametrize("whose", ["stand-in", "aws"])
def test_a_cleared_registration_is_made_anew_and_a_refused_one_costs_nothing(tmp_path, whose):
    with a_lab(tmp_path, "systemd") as lab:
        if whose == "aws":
            lab.take_aws_agent()
        lab.apply("configure_agent", "install_agent", "register_agent")
        first = lab.node
        lab.host.run("systemctl stop amazon-ssm-agent; amazon-ssm-agent -register -clear")
        assert first in lab.host.read("/var/lib/amazon/ssm/registration")
        with lab.connect() as connection:  # as at the end of a run
            STEP["place_nonce"].apply(connection, lab.before(connection), lab.supplies())
            before = lab.before(connection)
            assert STEP["register_agent"].plan(before) is not None
            assert STEP["register_agent"].undo(connection, {"active": "no"}).output == {}

            # A registration whose file was damaged: its key is worth keeping when AWS refuses.
            key = '{"instanceID":"mi-00000000000000001","region":"eu-central-1","privateKey":"precious"}'
            lab.host.write("/var/lib/amazon/ssm/Vault/Store/RegistrationKey", key, 0o600)
            lab.host.write("/var/lib/amazon/ssm/registration", "{damaged", 0o600)
            tree = state_tree(lab)
            refused = Registration(lab.activation().activation_id, Secret("wrongwrongwrongwrong"), REGION)
            with pytest.raises(StepFailed, match="does not know the activation"):
                STEP["register_agent"].apply(connection, before, replace(lab.supplies(), registration=lambda: refused))
            assert state_tree(lab) == tree
            assert lab.host.read("/var/lib/amazon/ssm/Vault/Store/RegistrationKey") == key

            done = STEP["register_agent"].apply(connection, before, lab.supplies())
            assert done.output["instance_id"] not in (first, "mi-00000000000000001")
            assert "precious" not in json.dumps(dict(done.undo))
            assert lab.host.run("find /var/lib/onboard -name 'registration.saved*'").stdout == ""
            STEP["register_agent"].undo(connection, done.undo)
            assert lab.host.read("/var/lib/amazon/ssm/registration") == "{damaged"


def state_tree(lab):
    """What is below the agent's state folder: names, modes and contents."""
    names, contents = "find registration Vault -exec stat -c '%n %a' {} +", "sha256sum registration Vault/Store/*"
    return sorted(lab.host.run(f"cd /var/lib/amazon/ssm && {names} && {contents}").stdout.splitlines())


def test_a_node_registered_anew_by_others_is_left(lab):
    lab.apply("configure_agent", "install_agent", "register_agent")
    done = lab.done["register_agent"]
    other = lab.activation()
    lab.host.run(
        f"amazon-ssm-agent -register -y -code {other.activation_code.reveal()} -id {other.activation_id} "
        f"-region {REGION}"
    )
    tree = lab.host.read("/var/lib/amazon/ssm/registration")
    with lab.connect() as connection:
        undone = STEP["register_agent"].undo(connection, done.undo)
    assert not undone.changed
    assert "by now" in undone.detail
    assert lab.host.read("/var/lib/amazon/ssm/registration") == tree


@pytest.mark.parametrize("whose", ["stand-in", "aws"])
def test_undo_takes_back_all_that_registering_left_where_the_agent_was_there_before(tmp_path, whose):
    with a_lab(tmp_path, "systemd") as lab:
        if whose == "aws":
            lab.take_aws_agent()
        package = lab.package().path.read_bytes()
        lab.host.run("cat >/root/agent.deb && dpkg -i /root/agent.deb && rm /root/agent.deb", stdin=package)
        tree = lab.host.tree()
        lab.profile = lab.profile.model_copy(update={"agent": AgentSection(share_credentials=True)})
        lab.apply()
        assert "install_agent" not in lab.done
        wait_online(lab, lab.node)
        node = f"/var/lib/amazon/ssm/{lab.node}"
        assert lab.host.exists(node)
        assert lab.host.exists("/root/.aws/credentials")
        lab.undo()
        left = [line for line in differences(tree, lab.host.tree()) if not line.startswith("var/log/amazon/")]
        assert left == []


def test_an_agent_that_does_not_stay_is_not_started(lab):
    with lab.restored():
        lab.apply("install_agent")
        with pytest.raises(StepFailed) as failed:
            lab.apply("start_agent")  # it has no registration
        assert failed.value.what == "The agent does not run"
        lab.done["start_agent"] = type(lab.done["install_agent"])(changed=True)  # the engine counts an intent as made
        lab.undo()


def test_two_agents_are_one_too_many(lab):
    lab.apply("configure_agent", "install_agent", "register_agent")
    lab.host.run("setsid /usr/bin/amazon-ssm-agent </dev/null >/dev/null 2>&1 & sleep 0.3")
    stray = lab.agents()
    assert len(stray) == 1
    # A second one that no service manager knows: the init script's stop does not find it.
    with pytest.raises(StepFailed, match="does not stop"):
        lab.apply("start_agent")


def test_secrets_show_nowhere_but_where_they_must(lab):
    """The code: only in the registering agent's own arguments. The nonce: only in its file."""
    seen: dict[str, set[str]] = {}
    watching = threading.Event()

    def watch():
        while not watching.is_set():
            for line in lab.host.processes().values():
                for name, value in (("code", lab.codes[-1] if lab.codes else None), ("nonce", lab.nonce.reveal())):
                    if value and any(form in line for form in forms(value)):
                        seen.setdefault(name, set()).add(line)
            time.sleep(0.01)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        lab.apply()
    finally:
        watching.set()
        watcher.join()
    assert list(seen) == ["code"], "the watcher sees what there is to see"
    assert all("/usr/bin/amazon-ssm-agent -register -y -code" in line for line in seen["code"])
    code = lab.codes[-1]
    for secret, files in ((code, []), (lab.nonce.reveal(), ["/var/lib/onboard/nonce-run1"])):
        patterns = "\n".join(forms(secret))
        found = lab.host.run("grep -rlF -f - /etc /home /root /run /tmp /usr /var || true", stdin=patterns)
        assert found.stdout.split() == files
    for done in lab.done.values():
        assert code not in json.dumps([done.detail, dict(done.undo), dict(done.output)])


def forms(secret):
    return [secret, base64.b64encode(secret.encode()).decode().rstrip("="), secret.encode("utf-16-le").hex()]
