"""What people are told to do: words without commands in them, and commands that a shell takes as they stand.

The sources are read, so that a remedy that no test meets is looked at too; what checks and steps say is made for real.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    NoCredentialsError,
    ProfileNotFound,
    UnauthorizedSSOTokenError,
)

import onboard
from onboard.aws.failures import asking
from onboard.hosts.ssh.dialogue import NotRun, Refusal
from onboard.hosts.ssh.host_key import HostKey
from onboard.hosts.ssh.known_hosts import KeyVerdict, Trust
from onboard.hosts.ssh.refusals import explain, untrusted
from onboard.model.errors import OnboardError
from onboard.model.profile import Host
from onboard.model.words import Remedy
from onboard.steps.failure_causes import (
    INSTALLATION,
    INSTALLATION_OTHERWISE,
    ON_ANY_STEP,
    OTHERWISE,
    REGISTRATION,
    explain_installation,
    explain_registration,
)


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*map(subclasses, kind.__subclasses__()))


PACKAGE = Path(onboard.__file__).parent
ROOMS = ("aws", "checks", "cli", "engine", "facts", "hosts", "lists", "profiles", "report", "steps")
TOLD = {"what", "why", "remedy", "summary", "reason", "text"}  # arguments that people read, of whatever is called
TOLD_LATER = {"what", "summary", "reason", "warning", "warnings", "doubts", "problems"}  # variables that hold it
ERRORS = {kind.__name__ for kind in subclasses(OnboardError)} - {"ProfileError"}  # that begins with a place
COMMANDS = r"(sudo|aws|ssh-[a-z]+|chmod|chown|systemctl|amazon-ssm-agent|dpkg|apt-get|dnf|yum|snap|df|ps)"
IN_WORDS = re.compile(rf"`|[:(] ?{COMMANDS} [a-z-]|\bsudo {COMMANDS}\b|\bsudo -")
SAID = (
    "locked by another process", "dpkg was interrupted", "No space left on device", "dependency problems",
    "BAD, key ID", "installed in this instance by snap", "does not match system", "ActivationExpired",
    "InvalidActivation", "RegistrationLimitExceeded", "InstanceAlreadyRegistered", "fingerprint", "x509: ",
    "proxyconnect", "InvalidSignatureException", "no such host", "dial tcp", "Rate exceeded",
    "other work of Onboard has been under way", "is registered in eu-west-1 already",
)  # fmt: skip


def files() -> Iterator[tuple[str, ast.Module]]:
    for part in (*(f"{room}/**/*.py" for room in ROOMS), "*.py"):
        for file in sorted(PACKAGE.glob(part)):
            yield file.relative_to(PACKAGE).as_posix(), ast.parse(file.read_text(encoding="utf-8"))


def test_no_sentence_is_put_together_from_pieces_where_it_is_told() -> None:
    """A template is a literal, and every value goes in by name: f-strings have no template."""
    pieces = []
    for name, tree in files():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            told = _told(call)
            pieces += [f"{name}:{one.lineno}: {ast.unparse(one)}" for value in told for one in _formatted(value)]
        kept = [value for variable, value in _kept(tree) if variable in TOLD_LATER]
        pieces += [f"{name}:{one.lineno}: {ast.unparse(one)}" for value in kept for one in _formatted(value)]
    assert pieces == []


def _told(call: ast.Call) -> list[ast.expr]:
    """The arguments of a call that people read. Of a `Text` others are values of its template."""
    called = ast.unparse(call.func)
    told = [word.value for word in call.keywords if word.arg in TOLD] if called != "Text" else []
    if called in {"Text", "Remedy", "phrase", *ERRORS} or called.startswith("Noted"):
        told += call.args[:1]
    if called in {"Change.of", "AwsChanged.of"}:
        told += call.args
    return told


def _kept(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """(name, value) of what is assigned or added to a variable."""
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                yield name, value
            case ast.AugAssign(target=ast.Name(id=name), value=value):
                yield name, value
            case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="append"), args=[value]):
                yield name, value


def _formatted(value: ast.AST) -> Iterator[ast.expr]:
    """The f-strings in an expression, but for those of a call in it."""
    if isinstance(value, ast.JoinedStr):
        yield value
    elif not isinstance(value, ast.Call):
        for child in ast.iter_child_nodes(value):
            yield from _formatted(child)


def test_no_words_have_a_command_in_them() -> None:
    told = []
    for name, tree in files():
        prose = _docstrings(tree)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
                told += [f"{name}:{node.lineno}: {node.value}"] if IN_WORDS.search(node.value) else []
    assert told == []


def _docstrings(tree: ast.Module) -> set[int]:
    owners = (node for node in ast.walk(tree) if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef))
    firsts = (owner.body[0] for owner in owners if owner.body)
    return {id(first.value) for first in firsts if isinstance(first, ast.Expr)}


def refused_by_aws(error: Exception) -> str:
    with pytest.raises(OnboardError) as told, asking("sts:GetCallerIdentity"):
        raise error
    return told.value.remedy


def remedies() -> Iterator[str]:
    for said in SAID:
        told = explain_installation(said) or explain_registration(said)
        assert told is not None, said
        yield told.remedy
    for table in (ON_ANY_STEP, OTHERWISE, INSTALLATION, INSTALLATION_OTHERWISE, REGISTRATION):
        yield from (cause.remedy for _, cause in table)
    for refusal in Refusal:
        for user in ("deploy", "it's", "a b", "-x", "$(id)"):
            yield explain(NotRun(refusal, "as it said"), "web-1", user, "ops").remedy
    for trust in Trust:
        if trust is not Trust.TRUSTED:
            key = HostKey((11).to_bytes(4, "big") + b"ssh-ed25519" + bytes(36))
            yield untrusted(Host(name="web-1"), key, KeyVerdict(trust)).remedy
    for error in (
        NoCredentialsError(),
        ProfileNotFound(profile="a b"),
        ProfileNotFound(profile="--x"),
        UnauthorizedSSOTokenError(),
        CredentialRetrievalError(provider="sso", error_msg=""),
        *(ClientError({"Error": {"Code": code}}, "GetCallerIdentity") for code in ("ExpiredToken", "RequestExpired")),
    ):
        yield refused_by_aws(error)


def test_each_command_of_steps_servers_and_aws_is_one_that_a_shell_understands() -> None:
    every = list(remedies())
    commands = {command for remedy in every for command in Remedy.of(remedy).commands}
    assert len(commands) > 10
    for command in commands:
        subprocess.run(["sh", "-n", "-c", command], check=True)
        assert command.isprintable()
    for remedy in every:
        assert remedy
        assert not IN_WORDS.search(Remedy.of(remedy).words), remedy


def test_a_user_name_that_sudoers_would_read_otherwise_is_in_no_rule() -> None:
    rules = {user: explain(NotRun(Refusal.NOT_IN_SUDOERS, ""), "w", user, "c").remedy for user in ("deploy", "a,ALL")}
    assert (
        Remedy.of(rules["deploy"]).commands[0] == "echo 'deploy ALL=(root) NOPASSWD: ALL' | tee /etc/sudoers.d/onboard"
    )
    assert Remedy.of(rules["a,ALL"]).commands == ()


def test_whatever_is_planned_or_done_in_aws_keeps_what_its_sentence_is_made_of() -> None:
    """`Change.of` and `AwsChanged.of` keep it; the constructors are for what was read back."""
    made = [
        f"{name}:{call.lineno}"
        for name, tree in files()
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call))
        if ast.unparse(call.func).rpartition(".")[2] in {"Change", "AwsChanged"}
    ]
    assert made == []
