"""What the scripts under resources/scripts/posix/steps would do on a practice server, and what they would print.

The scripts are authoritative: each function here follows one of them, with the files, the package and the service of a
Machine instead of real ones. Folders are not simulated; a folder exists if something is in it.
"""

import asyncio
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from onboard.hosts.connection import ScriptResult
from onboard.model.changes import ChangeName
from onboard.practice import agent
from onboard.practice.agent_service import AgentService
from onboard.practice.machine import CONFIG, CREDENTIALS, PENDING, REGISTRATION, STATE, Machine
from onboard.scripts.posix import POSIX
from onboard.steps import script as step_script

VAULT = f"{STATE}Vault"
# What register_agent.apply.sh looks for, without the folders of a running agent, which are not simulated.
REGISTERED = (REGISTRATION, VAULT, "/var/lib/amazon/ssm", "/var/lib/amazon", CREDENTIALS)
AGENT_FOLDERS = (
    "/etc/amazon",
    "/etc/amazon/ssm",
    "/var/lib/amazon",
    "/var/lib/amazon/ssm",
    "/var/log/amazon",
    "/var/log/amazon/ssm",
)


class Failed(Exception):
    """The script ends with exit code 1. `said`: what it writes to standard error."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class GoneAway(Exception):
    """The server goes away in the middle of the step."""


@dataclass(slots=True, eq=False)
class Steps:
    """The steps of one server, one at a time, as the lock on a real server ensures."""

    machine: Machine
    service: AgentService
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def run(self, script: str, secret: str) -> ScriptResult:
        """What the composed script of a step prints; `secret` is the first line of its standard input.

        Raises GoneAway.
        """
        asked = step_script.asked(POSIX, script)
        simulated = SIMULATED.get(asked) if asked else None
        if asked is None or simulated is None:
            return ScriptResult(127, b"", b"a practice server does not know this step\n")
        fault = self.machine.image.steps.get(asked[0]) if asked[1] == "apply" else None
        if fault is not None and fault.goes_away:
            raise GoneAway
        if fault is not None:
            return ScriptResult(1, b"", fault.said.encode())
        variables = POSIX.variables(script)
        async with self._lock:
            one = _Step(asked[0], variables, secret, self.machine, self.service)
            try:
                await simulated(one)
            except Failed as failed:
                return ScriptResult(1, b"", f"{failed.said}\n".encode())
        return ScriptResult(0, "".join(f"{key}={value}\n" for key, value in one.printed).encode(), b"")


@dataclass(slots=True, eq=False)
class _Step:
    """One run of one script; its methods are the functions of steps_record.sh and steps_service.sh."""

    name: str
    variables: Mapping[str, str]
    secret: str
    machine: Machine
    service: AgentService
    printed: list[tuple[str, str]] = field(default_factory=list)

    @property
    def record(self) -> str:
        return f"{PENDING}{self.name}.undo"

    def say(self, key: str, value: str) -> None:
        self.printed.append((key, value))

    def remember(self, **found: str) -> None:
        """Keep an older record."""
        if self.record not in self.machine.files:
            self.machine.files[self.record] = "".join(f"undo.{key}={text}\n" for key, text in found.items()).encode()

    def recall(self, key: str) -> str:
        """The value from the journal, else from the record."""
        return self.variables.get(f"undo_{key}") or self._recorded().get(f"undo.{key}", "")

    def _recorded(self) -> dict[str, str]:
        lines = self.machine.files.get(self.record, b"").decode().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def applied(self) -> None:
        self.say("changed", "yes" if self.record in self.machine.files else "no")
        for key, value in self._recorded().items():
            self.say(key, value)

    def undone(self, changed: bool, detail: str = "") -> None:
        self.machine.files.pop(self.record, None)
        self.say("changed", "yes" if changed else "no")
        if detail:
            self.say("detail", detail)

    def exists(self, path: str) -> bool:
        return path in self.machine.files or bool(self.machine.below(f"{path}/"))

    def absent(self, *paths: str) -> str:
        return " ".join(path for path in paths if not self.exists(path))

    def remove(self, path: str) -> bool:
        """Remove a file, or a folder with its content; False if it does not exist."""
        paths = [path] if path in self.machine.files else self.machine.below(f"{path}/")
        for found in paths:
            del self.machine.files[found]
        return bool(paths)

    def forget_credentials(self, path: str) -> None:
        """Remove the file if it contains only an agent's credentials."""
        text = self.machine.files.get(path, b"").decode(errors="replace")
        sections = len(re.findall(r"^\[", text, re.MULTILINE))
        if sections == 1 and re.search(r"^aws_session_token", text, re.MULTILINE):
            del self.machine.files[path]

    async def restart_agent(self) -> None:
        if self.machine.running:
            await self.service.stop()
            self.service.start()


async def _configure_agent_apply(step: _Step) -> None:
    files, content = step.machine.files, step.variables["content"]
    existed, text = step.variables["existed"], step.variables["seen"]
    seen = (existed, text if existed == "yes" else "")
    old = files.get(CONFIG)
    if old is None or _text(old) != content:
        if (("no", "") if old is None else ("yes", _text(old))) != seen:
            raise Failed(f"{CONFIG} was changed by somebody else in the meantime")
        _remember_file(step, old, step.absent("/etc/amazon", "/etc/amazon/ssm"))
        files[CONFIG] = f"{content}\n".encode()
    step.applied()


async def _configure_agent_undo(step: _Step) -> None:
    changed = _put_back(step, CONFIG)
    if changed:
        await step.restart_agent()
    step.undone(changed)


async def _configure_proxy_apply(step: _Step) -> None:
    files, file, content = step.machine.files, step.variables["file"], step.variables["content"]
    if not (file.startswith("/etc/systemd/system/") and file.endswith(".conf")):
        raise Failed(f"{file} is not read by what manages services here (systemd)")
    old = files.get(file)
    if old is None or old.decode().rstrip("\n") != content:
        _remember_file(step, old, step.absent(file.rpartition("/")[0]))
        files[file] = f"{content}\n".encode()
    step.applied()


async def _configure_proxy_undo(step: _Step) -> None:
    changed = _put_back(step, step.variables["file"])
    if changed:
        await step.restart_agent()
    step.undone(changed)


async def _install_agent_apply(step: _Step) -> None:
    machine, wanted = step.machine, step.variables
    if machine.package != wanted["version"]:
        step.remember(
            version=machine.package or "",
            kind=wanted["kind"],
            folders=step.absent(*AGENT_FOLDERS),
            credentials=step.absent(CREDENTIALS),
        )
        content = machine.files.get(wanted["package"])
        if content is None:
            raise Failed(f"the package cannot be copied to {PENDING}amazon-ssm-agent.{wanted['kind']}")
        if hashlib.sha256(content).hexdigest() != wanted["sha256"]:
            raise Failed("the package is not the one that was verified: its SHA-256 differs")
        if wanted["kind"] != machine.image.server.package_kind:
            tool = {"deb": "dpkg", "rpm": "rpm"}[wanted["kind"]]
            raise Failed(f"{tool}: not found\nthe package manager ended with exit code 127")
        running, machine.package, machine.enabled = machine.running, wanted["version"], True
        if running:
            await step.service.stop()
        step.service.start()  # as packages do, registered or not
    step.applied()


async def _install_agent_undo(step: _Step) -> None:
    machine = step.machine
    kind, before = step.recall("kind"), step.recall("version")
    if not kind:
        step.undone(False)
    elif before:
        left = f"the agent was upgraded from {before} to {machine.package or ''} and is left so"
        step.undone(False, f"{left}: packages are not downgraded")
    else:
        if machine.package is not None:
            await step.service.stop()
            machine.package, machine.enabled = None, False
        for folder in step.recall("folders").split():
            if folder == "/etc/amazon/ssm":
                for path in machine.below(f"{folder}/"):
                    if path != CONFIG:
                        del machine.files[path]
            elif folder in ("/var/lib/amazon/ssm", "/var/log/amazon/ssm"):
                step.remove(folder)
        step.forget_credentials(step.recall("credentials"))
        step.undone(True)


async def _install_roots_apply(step: _Step) -> None:
    machine, wanted = step.machine, step.variables
    if wanted["folder"] != machine.image.server.anchors:
        raise Failed(f"the trust store cannot be changed: the folder {wanted['folder']} is not here")
    names = wanted["certificates"].split()
    texts = {_root_file(wanted, name): f"{wanted[f'pem_{name}']}\n".encode() for name in names}
    if any(path not in machine.files for path in texts):
        step.remember(
            folder=wanted["folder"], suffix=wanted["suffix"], tool=wanted["tool"], certificates=wanted["certificates"]
        )
        machine.files.update(texts)
    step.applied()


async def _install_roots_undo(step: _Step) -> None:
    found = {key: step.recall(key) for key in ("folder", "suffix", "certificates")}
    removed = [step.remove(_root_file(found, name)) for name in found["certificates"].split()]
    if any(removed):
        await step.restart_agent()
    step.undone(any(removed))


async def _register_agent_apply(step: _Step) -> None:
    if not step.secret:
        raise Failed("no activation code came")
    service, region = step.service, step.variables["region"]
    node = service.registered.get("ManagedInstanceID", "")
    if not node:
        if step.machine.package is None:
            raise Failed("the agent is not installed")
        files, active = step.machine.files, "yes" if step.machine.running else "no"
        saved = {path: files[path] for path in (REGISTRATION, *step.machine.below(f"{VAULT}/")) if path in files}
        left_over = {"registration": _octal(saved[REGISTRATION])} if REGISTRATION in saved else {}
        step.remember(active=active, absent=step.absent(*REGISTERED), **left_over)
        await service.stop()
        try:
            worker = POSIX.variables(step.variables["worker"])
            node = await service.register(step.secret, worker["activation_id"], worker["region"])
        except (agent.Refusal, agent.Unreachable) as error:
            for path in (REGISTRATION, *step.machine.below(f"{VAULT}/")):
                files.pop(path, None)
            files.update(saved)
            if active == "yes":
                service.start()
            if isinstance(error, agent.Unreachable):
                raise _registration_failed(f"RequestError: send request failed\ncaused by: {error}") from None
            raise _registration_failed(f"{error.code}: {error.message}\n\tstatus code: 400, request id: ") from None
    elif service.registered.get("Region") != region:
        raise Failed(f"the agent is registered in {service.registered.get('Region')} already, as {node}")
    if step.record in step.machine.files and not step.recall("node"):
        step.machine.files[step.record] += f"undo.node={node}\n".encode()
    step.say("instance_id", node)
    step.applied()


async def _register_agent_undo(step: _Step) -> None:
    node = step.service.registered.get("ManagedInstanceID", "")
    active, recorded = step.recall("active"), step.recall("node")
    if not active:
        step.undone(False)
    elif node and recorded and node != recorded:
        other = f"the agent is registered as {node} by now, which another run or person did"
        step.undone(False, f"{other}; it is left so")
    else:
        if node:
            await step.service.stop()
            step.service.clear()
            step.say("instance_id", node)
        if old := step.recall("registration"):
            step.machine.files[REGISTRATION] = _from_octal(old)
        for path in step.recall("absent").split():
            if path == CREDENTIALS:
                step.forget_credentials(path)
            elif path in (REGISTRATION, VAULT):
                step.remove(path)
        if active == "yes" and not step.machine.running and step.machine.package is not None:
            step.service.start()
        step.undone(bool(node))


async def _start_agent_apply(step: _Step) -> None:
    machine = step.machine
    if machine.package is None:
        raise Failed("the agent is not installed")
    active, enabled, restart = machine.running, machine.enabled, step.variables["restart"] == "yes"
    if restart or not (active and enabled):
        step.remember(active="yes" if active else "no", enabled="yes" if enabled else "no")
        machine.enabled = True
        if active:
            await step.service.stop()
        step.service.start()
    if not machine.alive:
        raise Failed("the agent ends as soon as it is started")
    step.applied()


async def _start_agent_undo(step: _Step) -> None:
    machine = step.machine
    active, enabled = step.recall("active"), step.recall("enabled")
    changed = False
    if active == "no" and machine.running:
        await step.service.stop()
        changed = True
    if active and enabled == "no" and machine.enabled:
        machine.enabled = False
        changed = True
    step.undone(changed)


async def _place_nonce_apply(step: _Step) -> None:
    if not step.secret:
        raise Failed("no nonce came")
    files, path = step.machine.files, step.variables["path"]
    kept = step.variables["kept"].split()
    for found in step.machine.below(PENDING):
        record = found.removeprefix(PENDING).removesuffix(".undo") if found.endswith(".undo") else ""
        if found.startswith(f"{PENDING}nonce-") or (record and record not in kept and kept != ["*"]):
            del files[found]
    files[path] = f"{step.secret}\n".encode()
    step.say("path", path)
    step.say("changed", "yes")


async def _place_nonce_undo(step: _Step) -> None:
    removed = [step.remove(path) for path in step.machine.below(PENDING) if path.startswith(f"{PENDING}nonce-")]
    step.undone(bool(removed))


def _text(content: bytes) -> str:
    """The same as `$(tr -d '\\r' <FILE)` has it."""
    return content.decode(errors="replace").replace("\r", "").rstrip("\n")


def _remember_file(step: _Step, old: bytes | None, folders: str) -> None:
    if old is None:
        step.remember(existed="no", folders=folders)
    else:
        step.remember(existed="yes", old=_octal(old))


def _octal(content: bytes) -> str:
    return "".join(f"{byte:03o}" for byte in content)


def _from_octal(digits: str) -> bytes:
    return bytes(int(digits[start : start + 3], 8) for start in range(0, len(digits), 3))


def _put_back(step: _Step, path: str) -> bool:
    """Undo of what `_remember_file` remembered; whether anything changed."""
    match step.recall("existed"):
        case "yes":
            old = _from_octal(step.recall("old"))
            changed = step.machine.files.get(path) != old
            step.machine.files[path] = old
            return changed
        case "no":
            return step.remove(path)
        case _:
            return False


def _root_file(wanted: Mapping[str, str], name: str) -> str:
    return f"{wanted['folder']}/onboard-{name}{wanted['suffix']}"


def _registration_failed(text: str) -> Failed:
    said = "Registration failed due to error registering the instance with AWS SSM. "
    return Failed(f"{said}{text}\nthe registration ended with exit code 1")


SIMULATED: Mapping[tuple[str, str], Callable[[_Step], Awaitable[None]]] = {
    (ChangeName.CONFIGURE_AGENT, "apply"): _configure_agent_apply,
    (ChangeName.CONFIGURE_AGENT, "undo"): _configure_agent_undo,
    (ChangeName.CONFIGURE_PROXY, "apply"): _configure_proxy_apply,
    (ChangeName.CONFIGURE_PROXY, "undo"): _configure_proxy_undo,
    (ChangeName.INSTALL_AGENT, "apply"): _install_agent_apply,
    (ChangeName.INSTALL_AGENT, "undo"): _install_agent_undo,
    (ChangeName.INSTALL_ROOTS, "apply"): _install_roots_apply,
    (ChangeName.INSTALL_ROOTS, "undo"): _install_roots_undo,
    (ChangeName.PLACE_NONCE, "apply"): _place_nonce_apply,
    (ChangeName.PLACE_NONCE, "undo"): _place_nonce_undo,
    (ChangeName.REGISTER_AGENT, "apply"): _register_agent_apply,
    (ChangeName.REGISTER_AGENT, "undo"): _register_agent_undo,
    (ChangeName.START_AGENT, "apply"): _start_agent_apply,
    (ChangeName.START_AGENT, "undo"): _start_agent_undo,
}
