"""The agent's service on a practice server: runs the stand-in agent in this process, as systemd would."""

import asyncio
import json
import shlex
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass

from onboard.practice import agent
from onboard.practice.agent import Outcome
from onboard.practice.machine import CONFIG, REGISTRATION, REGISTRATION_KEY, STATE, Machine

ADDRESS = "127.0.0.1"
_STORED = {
    "registration": REGISTRATION,
    "RegistrationKey": REGISTRATION_KEY,
    "InstanceFingerprint": f"{STATE}Vault/Store/InstanceFingerprint",
}


class Identity(MutableMapping[str, str]):
    """The agent's stored registration, in the same files of the machine as the real agent's."""

    def __init__(self, files: MutableMapping[str, bytes]) -> None:
        self._files = files

    def __getitem__(self, name: str) -> str:
        return self._files[_STORED[name]].decode()

    def __setitem__(self, name: str, value: str) -> None:
        self._files[_STORED[name]] = value.encode()

    def __delitem__(self, name: str) -> None:
        del self._files[_STORED[name]]

    def __iter__(self) -> Iterator[str]:
        return (name for name, path in _STORED.items() if path in self._files)

    def __len__(self) -> int:
        return sum(1 for _ in self)


@dataclass(slots=True, eq=False)
class AgentService:
    """Belongs to the event loop that starts it. The three switches and `kill` are for tests, from any thread.

    dies_at_command  the agent ends as soon as it gets a command, that is, after it was Online; images can say so too
    wrong_nonce      it answers with a different nonce than the one in the file
    twin             a server whose registration, if any, this one takes over instead of registering
    """

    machine: Machine
    dies_at_command: bool = False
    wrong_nonce: bool = False
    twin: "AgentService | None" = None
    _task: asyncio.Task[None] | None = None
    _dying: asyncio.Future[None] | None = None
    _loop: asyncio.AbstractEventLoop | None = None

    @property
    def identity(self) -> Identity:
        return Identity(self.machine.files)

    @property
    def registered(self) -> Mapping[str, str]:
        """The agent's registration: ManagedInstanceID and Region; empty if there is none."""
        if not self.machine.has_registration_key:
            return {}
        try:
            found = json.loads(self.identity.get("registration", "{}"))
        except ValueError:
            return {}
        return {key: str(value) for key, value in found.items()} if isinstance(found, dict) else {}

    async def register(self, code: str, activation_id: str, region: str) -> str:
        """Register, and return the mi- id. Raises agent.Refusal with AWS's code, agent.Unreachable."""
        if not self.machine.image.server.reaches_aws:
            raise agent.Unreachable("dial tcp: connect: no route to host")
        if self.twin is not None and self.twin.registered:
            self.identity.update(self.twin.identity)
            return self.registered["ManagedInstanceID"]
        return await self._agent().register(code, activation_id, region)

    def clear(self) -> None:
        """Forget the registration."""
        self._agent().clear()

    def start(self) -> None:
        """Start the service. Without a registration its agent ends at once, and is restarted repeatedly."""
        self._loop = asyncio.get_running_loop()
        self.machine.running = True
        if self._task is None and self.machine.image.server.reaches_aws and self._is_ours():
            self._task = self._loop.create_task(self._agent().run())
            self._task.add_done_callback(self._ended)

    async def stop(self) -> None:
        """Stop the service and wait until its agent has ended."""
        self.machine.running = False
        task = self._task
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    def kill(self) -> None:
        """Kill the agent for good, without any message. Safe from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._die)

    def _die(self) -> None:
        self.machine.running = False
        self._dying = asyncio.ensure_future(self.stop())

    def _ended(self, task: asyncio.Task[None]) -> None:
        if self._task is task:
            self._task = None
            self.machine.running = False
        if not task.cancelled():
            task.exception()  # retrieved; it shows as a service that is not running

    def _is_ours(self) -> bool:
        """Whether a practice agent made the registration; those in images are only for show."""
        return len(self.identity) == len(_STORED)

    def _agent(self) -> agent.Agent:
        try:
            configuration = json.loads(self.machine.files.get(CONFIG, b"{}"))
        except ValueError:
            configuration = {}

        def endpoint(service: str, otherwise: str) -> str:
            return str((configuration.get(service) or {}).get("Endpoint") or otherwise)

        told = agent.Machine(
            self.machine.name,
            ADDRESS,
            *self.machine.platform,
            agent_version=self.machine.package or agent.AGENT_VERSION,
            clock_skew_s=self.machine.image.server.clock_offset_s,
        )

        def share(token: Mapping[str, object]) -> None:
            if agent.shares_credentials(configuration):
                found = self.machine.files.get(agent.CREDENTIALS, b"").decode(errors="replace")
                self.machine.files[agent.CREDENTIALS] = agent.shared_credentials(found, dict(token)).encode()

        return agent.Agent(
            endpoint("Ssm", "https://ssm"),
            endpoint("Mds", "https://mds"),
            self.identity,
            told,
            self._run_command,
            mgs_endpoint=endpoint("Mgs", ""),
            trusted=self.machine.added_roots,
            share=share,
        )

    async def _run_command(self, lines: Sequence[str]) -> Outcome:
        if self.dies_at_command or self.machine.image.server.agent_dies:
            self._die()
            await asyncio.Event().wait()  # until that takes it along
        outcome = run_lines(lines, self.machine)
        if self.wrong_nonce:
            return outcome._replace(stdout=outcome.stdout[::-1].strip() + "\n")
        return outcome


def run_lines(lines: Sequence[str], machine: Machine) -> Outcome:
    """What a shell on this machine would do with a few plain commands, one per line; others are not found.

    A line may end in `|| exit N` or `|| true`, and may contain `2>/dev/null`.
    """
    out = err = ""
    code = 0
    for line in "\n".join(lines).splitlines():
        try:
            words = shlex.split(line, comments=True)
        except ValueError:
            return Outcome(2, out, err + "sh: syntax error\n")
        if not words:
            continue
        command, otherwise = words, [""]
        if "||" in words:
            command, otherwise = words[: words.index("||")], words[words.index("||") + 1 :]
        silent = "2>/dev/null" in command
        code, printed, said = _run(*(word for word in command if word != "2>/dev/null"), machine=machine)
        out, err = out + printed, err if silent else err + said
        match otherwise:
            case ["true"]:
                code = 0
            case ["exit", number] if code != 0 and number.isdigit():
                return Outcome(int(number), out, err)
    return Outcome(code, out, err)


def _run(name: str, *arguments: str, machine: Machine) -> Outcome:
    paths = [argument for argument in arguments if not argument.startswith("-")]
    match name:
        case "cat":
            missing = [path for path in paths if path not in machine.files]
            found = b"".join(machine.files.get(path, b"") for path in paths).decode(errors="replace")
            said = "".join(f"cat: {path}: No such file or directory\n" for path in missing)
            return Outcome(1 if missing else 0, found, said)
        case "head":
            count, path = paths
            if path not in machine.files:
                return Outcome(1, "", f"head: cannot open '{path}' for reading: No such file or directory\n")
            return Outcome(0, machine.files[path][: int(count)].decode(errors="replace"), "")
        case "rm":
            for path in paths:
                machine.files.pop(path, None)
        case "rmdir":
            full = [path for path in paths if machine.below(f"{path}/")]
            said = "".join(f"rmdir: failed to remove '{path}': Directory not empty\n" for path in full)
            return Outcome(1 if full else 0, "", said)
        case "echo":
            return Outcome(0, " ".join(arguments) + "\n", "")
        case "hostname":
            return Outcome(0, f"{machine.name}\n", "")
        case "uname":
            return Outcome(0, f"Linux {machine.name} practice server\n", "")
        case "cd" | "true" | ":":
            pass
        case _:
            return Outcome(127, "", f"{name}: not found: a practice server knows a few plain commands only\n")
    return Outcome(0, "", "")
