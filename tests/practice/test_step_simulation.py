"""The real steps on practice servers: applied, repeated, undone; and an agent that really registers and answers."""

import fnmatch
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from practice_client import logged_in
from practice_images import CHECKED_IMAGES
from step_headers import declared, is_declared

from onboard.aws.session import Aws, open_aws
from onboard.checks.base import Context
from onboard.engine.command_ends import NotProven
from onboard.engine.proof import Patience, Prover
from onboard.facts import bundle
from onboard.facts.base import Facts, Unknown, Wanted
from onboard.facts.catalog import broken_off, facts_of
from onboard.facts.posix import agent, registration, root_certificates
from onboard.hosts.connection import Connection
from onboard.hosts.credentials import Secrets
from onboard.hosts.lockout import Lockout
from onboard.hosts.log_in_memory import LogInMemory
from onboard.hosts.ssh.connector import SshConnector
from onboard.hosts.ssh.dialogue import COMMAND, Request
from onboard.hosts.ssh.known_hosts import KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.endpoints import Endpoints
from onboard.model.family import Family
from onboard.model.package import Package
from onboard.model.profile import Host, Profile
from onboard.model.secret import Secret
from onboard.practice.agent_service import run_lines
from onboard.practice.image import image
from onboard.practice.machine import CONFIG, PENDING, Identity, Machine
from onboard.practice.serve import REGION, Practice, running_practice
from onboard.practice.server import PracticeServer
from onboard.practice.step_simulation import SIMULATED
from onboard.resources import resource
from onboard.scripts.dialect import Dialect
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Registration, Step, StepFailed, Supplies
from onboard.steps.catalog import STEPS, planned, proof_of

FACTS = facts_of(Family.POSIX)

RUN = "run-1"
ROLE = "PracticeRole"
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ssm.amazonaws.com"},'
    '"Action":"sts:AssumeRole"}]}'
)
CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
PACKAGE = b"not a package, and nobody unpacks it"
STEP = {step.name: step for step in STEPS}
FIRST = [STEP["configure_agent"], STEP["install_agent"]]


@dataclass
class Field:
    """A practice, and all that a run has in hand."""

    practice: Practice
    profile: Profile
    connector: SshConnector
    aws: Aws
    folder: Path

    def connect(self, server: PracticeServer) -> Connection:
        host = next(host for host in self.profile.hosts if host.name == server.name)
        return self.connector.connect(host, CancelToken())

    def facts(self, connection: Connection) -> Facts:
        composed = bundle.compose(POSIX, FACTS, Wanted(self.endpoints))
        return bundle.parse(FACTS, connection.run_script(composed, privileged=True))

    @property
    def endpoints(self) -> Endpoints:
        url = self.practice.endpoint_url
        return Endpoints(url, url, url, url)

    def before(self, server: PracticeServer, facts: Facts, *, fixes: frozenset[str] = frozenset()) -> Before:
        host = next(host for host in self.profile.hosts if host.name == server.name)
        context = Context(self.profile, REGION, self.practice.cloud.account, self.endpoints)
        kind = server.machine.image.server.package_kind
        path = self.folder / f"amazon-ssm-agent.{kind}"
        path.write_bytes(PACKAGE)
        package = Package(path, kind, "amd64", "3.3.4851.0", hashlib.sha256(PACKAGE).hexdigest())
        return planned(Before(host, facts, context, fixes, package, broken_off(facts)))[0]

    def supplies(self, nonce: str = "0123456789abcdef", code: str = "") -> Supplies:
        made = self.aws.ssm.create_activation(IamRole=ROLE, RegistrationLimit=1)
        wanted = Registration(made["ActivationId"], Secret(code or made["ActivationCode"]), REGION)
        return Supplies(RUN, lambda: wanted, Secret(nonce))

    def apply_all(self, server: PracticeServer, **given: str) -> tuple[dict[str, Done], str]:
        """Every step that the server needs, in order; and the node it became."""
        done: dict[str, Done] = {}
        with closing(self.connect(server)) as connection:
            before = self.before(server, self.facts(connection), fixes=frozenset({"install_roots"}))
            supplies = self.supplies(**given)
            for step in STEPS:
                if step.plan(before) is not None:
                    done[step.name] = done_as_in_a_run(step, connection, before, supplies)
        return done, done["register_agent"].output["instance_id"]

    def undo_all(self, server: PracticeServer, done: dict[str, Done]) -> None:
        with closing(self.connect(server)) as connection:
            for name, was in reversed(done.items()):
                STEP[name].undo(connection, was.undo)

    def prover(self, *, answer: float = 10.0) -> Prover:
        proofs = {Family.POSIX: proof_of(Family.POSIX, RUN)}
        return Prover(self.aws, proofs, CancelToken(), Patience(online=10, answer=answer, poll=0.05))


def done_as_in_a_run(step: Step, connection: Connection, before: Before, supplies: Supplies) -> Done:
    """As a run does it: undo gets what was known before, and what the step found."""
    planned = step.planned_undo(before, supplies)
    done = step.apply(connection, before, supplies)
    return replace(done, undo={**planned, **done.undo})


@pytest.fixture(scope="module")
def field(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Field]:
    folder = tmp_path_factory.mktemp("field")
    with running_practice(16, only=CHECKED_IMAGES) as practice, pytest.MonkeyPatch.context() as patch:
        for name, value in practice.environment().items():
            patch.setenv(name, value)
        profile = practice.profile()
        known_hosts = folder / "known_hosts"
        known_hosts.write_text(practice.known_hosts)
        connector = SshConnector(
            profile.credentials,
            secrets=Secrets(profile.credentials, environment={}),
            known_hosts=KnownHosts.from_file(known_hosts),
            lockout=Lockout(folder / "lockout.json"),
            memory=LogInMemory(),
        )
        with closing(open_aws(profile)) as aws:
            aws.iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=TRUST)
            aws.iam.attach_role_policy(RoleName=ROLE, PolicyArn=CORE)
            yield Field(practice, profile, connector, aws, folder)


def test_every_script_of_a_step_is_simulated() -> None:
    scripts = [entry.name for entry in resource("scripts/posix/steps").iterdir()]
    found = [re.fullmatch(r"([a-z_]+)\.(apply|undo)\.sh", name) for name in scripts]
    assert {(name[1], name[2]) for name in found if name} == set(SIMULATED)


@pytest.mark.parametrize("name", ["healthy-debian", "healthy-rhel", "no-amazon-roots"])
def test_the_whole_line_comes_online_answers_with_its_nonce_and_is_undone(field: Field, name: str) -> None:
    server = field.practice.server(name)
    before = server.digest()
    done, node = field.apply_all(server)
    assert all(step.changed for step in done.values())
    assert ("install_roots" in done) == (name == "no-amazon-roots")
    with closing(field.connect(server)) as connection:
        facts = field.facts(connection)
    service, told = facts.get(agent.FACT), facts.get(registration.FACT)
    roots = facts.get(root_certificates.FACT)
    assert not isinstance(service, Unknown)
    assert not isinstance(told, Unknown)
    assert not isinstance(roots, Unknown)
    assert service.is_running
    assert service.version == "3.3.4851.0"
    assert (told.instance_id, told.region, told.has_key) == (node, REGION, True)
    assert broken_off(facts) == frozenset()
    assert len(roots.amazon) == 5
    with field.prover() as prover:
        assert prover.wait_online(node, Host(name=name)).is_online
        assert prover.answer(node, Host(name=name)) == "0123456789abcdef\n"
    field.undo_all(server, done)
    assert server.digest() == before


# What a practice server has no use for: nobody else works on it, it has no package manager that could be busy, and its
# agent reaches the practice cloud without a proxy.
NOT_SIMULATED = {
    **{asked: {"patience"} for asked in SIMULATED},
    ("install_agent", "apply"): {"patience", "worker"},
    ("install_agent", "undo"): {"patience", "worker"},
    ("register_agent", "work"): {"http_proxy", "https_proxy", "no_proxy"},
}


class Noting(dict[str, str]):
    """Variables that note in `read` which of them are looked at."""

    def __init__(self, variables: Mapping[str, str], read: set[str]) -> None:
        super().__init__(variables)
        self._read = read

    def __getitem__(self, key: str) -> str:
        self._read.add(key)
        return super().__getitem__(key)


def test_scripts_get_the_variables_that_they_name_and_practice_heeds_them(
    field: Field, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[tuple[str, str], set[str]] = defaultdict(set)
    read: dict[tuple[str, str], set[str]] = defaultdict(set)
    compose, variables_of = script.compose, Dialect.variables

    def noted(
        dialect: Dialect, step: str, action: str, variables: Mapping[str, str], shared: Sequence[str] = ()
    ) -> str:
        given[step, action] |= {name for name in variables if not name.startswith("undo_")}
        return compose(dialect, step, action, variables, shared)

    def noting(dialect: Dialect, text: str) -> Noting:
        asked = script.asked(dialect, text)
        assert asked is not None
        return Noting(variables_of(dialect, text), read[asked])

    monkeypatch.setattr(script, "compose", noted)
    monkeypatch.setattr(Dialect, "variables", noting)
    server = field.practice.server("no-amazon-roots-2")
    done, _ = field.apply_all(server)
    with closing(field.connect(server)) as connection:
        before = field.before(server, field.facts(connection))
        network = before.context.profile.network.model_copy(update={"proxy": "http://127.0.0.1:3128"})
        profile = before.context.profile.model_copy(update={"network": network})
        proxied = replace(before, context=replace(before.context, profile=profile))
        was = STEP["configure_proxy"].apply(connection, proxied, field.supplies())
        STEP["configure_proxy"].undo(
            connection, {**STEP["configure_proxy"].planned_undo(proxied, field.supplies()), **was.undo}
        )
    field.undo_all(server, done)

    assert {*SIMULATED} <= {*given}
    for (step, action), names in given.items():
        header = declared(f"{step}.{action}")
        assert {name for name in names if not is_declared(name, header)} == set(), f"{step}.{action}: not in its header"
        assert {name for name in header if not fnmatch.filter(names, name)} == set(), f"{step}.{action}: not given"
    for asked in [*SIMULATED, ("register_agent", "work")]:
        unread = given[asked] - read[asked] - NOT_SIMULATED.get(asked, set())
        assert unread == set(), f"the simulation of {asked} does not look at what its script takes"


def test_the_record_of_a_step_that_nobody_took_up_stays(field: Field) -> None:
    server = field.practice.server("slow-clock")
    record = f"{PENDING}configure_proxy.undo"
    server.machine.files[record] = b"undo.existed=no\n"
    done, _ = field.apply_all(server)
    assert record in server.machine.files
    field.undo_all(server, done)
    del server.machine.files[record]


def test_a_second_time_there_is_nothing_to_do_but_the_nonce(field: Field) -> None:
    server = field.practice.server("healthy-debian-2")
    done, node = field.apply_all(server)
    applied = server.digest()
    with closing(field.connect(server)) as connection:
        again = field.before(server, field.facts(connection))
        assert [step.name for step in STEPS if step.plan(again) is not None] == ["place_nonce"]
        for step in STEPS[:-1]:
            if step.name in done:
                result = done_as_in_a_run(step, connection, again, field.supplies())
                assert (step.name, result.changed) == (step.name, False)
                assert result.output.get("instance_id", node) == node
    assert server.digest() == applied
    field.undo_all(server, done)


@pytest.mark.parametrize("name", [step.name for step in STEPS])
def test_each_step_by_itself_is_undone_from_its_journal_and_from_its_record(field: Field, name: str) -> None:
    """Everything before it is made for good; then it is made and undone twice, the second time without a journal."""
    server = field.practice.server("no-amazon-roots-2")
    start, made = server.digest(), {}
    with closing(field.connect(server)) as connection:
        before = field.before(server, field.facts(connection), fixes=frozenset({"install_roots"}))
        for step in STEPS:
            if step.name == name:
                break
            if step.plan(before) is not None:
                made[step.name] = done_as_in_a_run(step, connection, before, field.supplies())
        step = STEP[name]
        if name == "place_nonce":  # it takes the records of the others with it
            for path in server.machine.below(PENDING):
                del server.machine.files[path]
        ready = server.digest()
        if name == "configure_proxy":
            network = field.profile.network.model_copy(update={"proxy": "http://127.0.0.1:3128"})
            context = Context(field.profile.model_copy(update={"network": network}), REGION, "1", field.endpoints)
            before = Before(before.host, before.facts, context)
        done = done_as_in_a_run(step, connection, before, field.supplies())
        assert done.changed
        assert server.digest() != ready
        assert step.undo(connection, done.undo).changed
        assert server.digest() == ready
        if name != "place_nonce":  # which keeps no record
            done_as_in_a_run(step, connection, before, field.supplies())
            journalled = step.planned_undo(before, field.supplies())
            assert step.undo(connection, journalled).changed
            assert server.digest() == ready
        assert not step.undo(connection, {}).changed
    field.undo_all(server, made)
    assert server.digest() == start


def test_a_registration_whose_connection_is_lost_goes_on_and_is_found(field: Field) -> None:
    server = field.practice.server("healthy-rhel-2")
    calls = field.practice.cloud.calls
    before, called = server.digest(), calls.count
    with closing(field.connect(server)) as connection:
        ready = field.before(server, field.facts(connection))
        made = {step.name: done_as_in_a_run(step, connection, ready, field.supplies()) for step in FIRST}
    with logged_in(field.practice, server) as transport, transport.open_session() as channel:
        channel.exec_command(COMMAND)
        supplies = field.supplies()
        assert supplies.registration is not None
        wanted = supplies.registration()
        worker = script.compose(
            POSIX, "register_agent", "work", {"region": REGION, "activation_id": wanted.activation_id}
        )
        composed = script.compose(POSIX, "register_agent", "apply", {"region": REGION, "worker": worker})
        request = Request.new(composed, privileged=True, wants_secret=True)
        channel.sendall(request.text().encode())
        channel.recv(1)  # it has begun
        channel.sendall(wanted.activation_code.reveal().encode() + b"\n")
    with closing(field.connect(server)) as connection:
        made["register_agent"] = STEP["register_agent"].apply(connection, ready, field.supplies())
    assert len(calls.of("RegisterManagedInstance", called)) == 1
    field.undo_all(server, made)
    assert server.digest() == before


def test_a_wrong_code_is_refused_by_the_cloud_and_leaves_the_server_unregistered(field: Field) -> None:
    server = field.practice.server("healthy-rhel-2")
    before = server.digest()
    with closing(field.connect(server)) as connection:
        ready = field.before(server, field.facts(connection))
        made = {step.name: done_as_in_a_run(step, connection, ready, field.supplies()) for step in FIRST}
        with pytest.raises(StepFailed, match="AWS does not know the activation") as caught:
            STEP["register_agent"].apply(connection, ready, field.supplies(code="A" * 20))
        assert "A" * 20 not in caught.value.evidence
        assert not STEP["register_agent"].undo(connection, {}).changed
        with pytest.raises(StepFailed, match="ends as soon as it is started"):
            STEP["start_agent"].apply(connection, ready, field.supplies())
        STEP["start_agent"].undo(connection, {})
    field.undo_all(server, made)
    assert server.digest() == before


def test_a_server_without_a_way_out_cannot_register(field: Field) -> None:
    server = field.practice.server("no-route")
    before = server.digest()
    with pytest.raises(StepFailed, match="cannot reach the endpoint"):
        field.apply_all(server)
    assert server.digest() != before
    assert server.machine.package == "3.3.4851.0"


def test_a_package_that_is_not_the_verified_one_is_refused(field: Field) -> None:
    server = field.practice.server("no-route-2")
    with closing(field.connect(server)) as connection:
        before = field.before(server, field.facts(connection))
        assert before.package is not None
        path = connection.upload(before.package.path, sha256=before.package.sha256)
        for given, said in (({"sha256": "0" * 64}, "SHA-256 differs"), ({"package": "/nowhere"}, "cannot be copied")):
            variables = {"package": path, "sha256": before.package.sha256, "kind": "deb", "version": "1.0.0.0", **given}
            with pytest.raises(StepFailed, match=said):
                script.run(connection, script.compose(POSIX, "install_agent", "apply", variables), failure="No")
        assert server.machine.package is None


def test_steps_are_for_root_alone(field: Field) -> None:
    server = field.practice.server("no-route-2")
    with closing(field.connect(server)) as connection:
        result = connection.run_script(script.compose(POSIX, "start_agent", "apply", {}))
        assert result.exit_code == 1
        unknown = connection.run_script("# step: fly_away apply\n# end of variables\n", privileged=True)
        assert unknown.exit_code == 127


def test_an_agent_that_dies_at_the_command_was_online_and_never_answers(field: Field) -> None:
    server = field.practice.server("clone")
    server.agent.dies_at_command = True
    _, node = field.apply_all(server)
    with field.prover(answer=0.5) as prover:
        prover.wait_online(node, Host(name=server.name))
        with pytest.raises(NotProven, match="did not answer"):
            prover.answer(node, Host(name=server.name))
    assert not server.machine.running


def test_an_agent_that_is_killed_does_not_run_any_more(field: Field) -> None:
    server = field.practice.server("clone-2")
    _, node = field.apply_all(server)
    with field.prover() as prover:
        prover.wait_online(node, Host(name=server.name))
        server.agent.kill()
        with closing(field.connect(server)) as connection:
            service = field.facts(connection).get(agent.FACT)
        assert not isinstance(service, Unknown)
        assert not service.is_running


def test_a_wrong_nonce_comes_back_when_wanted(field: Field) -> None:
    server = field.practice.server("clone-3")
    server.agent.wrong_nonce = True
    _, node = field.apply_all(server)
    with field.prover() as prover:
        prover.wait_online(node, Host(name=server.name))
        assert prover.answer(node, Host(name=server.name)).strip() == "0123456789abcdef"[::-1]


def test_a_twin_has_the_registration_of_the_other(field: Field) -> None:
    first, second = field.practice.server("clone-4"), field.practice.server("slow-clock-2")
    second.agent.twin = first.agent
    assert field.apply_all(first)[1] == field.apply_all(second)[1]


@pytest.mark.parametrize(
    ("lines", "outcome"),
    [
        (["cat /a"], (0, "content\n", "")),
        (["cat /b || exit 3", "echo on"], (3, "", "cat: /b: No such file or directory\n")),
        (["cat /b 2>/dev/null || true", "echo on  here"], (0, "on here\n", "")),
        (["head -c 3 /a"], (0, "con", "")),
        (["head -c 3 /b"], (1, "", "head: cannot open '/b' for reading: No such file or directory\n")),
        (["rm -f /a", "cat /a 2>/dev/null"], (1, "", "")),
        (["rmdir / 2>/dev/null"], (0, "", "")),
        (["rmdir /d"], (1, "", "rmdir: failed to remove '/d': Directory not empty\n")),
        (["hostname; id"], (127, "", "hostname;: not found: a practice server knows a few plain commands only\n")),
        (["hostname\nuname -a"], (0, "here\nLinux here practice server\n", "")),
        (["echo 'open"], (2, "", "sh: syntax error\n")),
        ([], (0, "", "")),
    ],
)
def test_a_few_plain_commands_are_known(lines: list[str], outcome: tuple[int, str, str]) -> None:
    machine = Machine(image("healthy-debian"), "here", REGION, Identity.new("ssh-ed25519 AAAA"))
    machine.files.update({"/a": b"content\n", "/d/e": b""})
    assert tuple(run_lines(lines, machine)) == outcome


def test_the_configuration_of_another_is_not_overwritten(field: Field) -> None:
    server = field.practice.server("other-account-2")
    with closing(field.connect(server)) as connection:
        before = field.before(server, field.facts(connection))
        server.machine.files[CONFIG] = b'{"Profile":{}}'
        with pytest.raises(StepFailed, match="was changed by somebody else"):
            STEP["configure_agent"].apply(connection, before, field.supplies())
        now = field.before(server, field.facts(connection))
        done = STEP["configure_agent"].apply(connection, now, field.supplies())
        assert b'"Profile"' in server.machine.files[CONFIG]
        STEP["configure_agent"].undo(connection, done.undo)
        assert server.machine.files[CONFIG] == b'{"Profile":{}}'
