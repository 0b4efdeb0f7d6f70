"""A practice server: SSH on a port of the loopback interface, with a simulated machine behind it."""

import asyncio
import hashlib
import re
import socket
from contextlib import suppress
from dataclasses import dataclass, field
from secrets import compare_digest, token_hex

import asyncssh

from onboard.facts import bundle
from onboard.hosts.connection import ScriptResult
from onboard.hosts.ssh.dialogue import COMMAND, Request, UploadAnswer, is_complete, parse_request
from onboard.model.secret import Secret
from onboard.practice import regions
from onboard.practice.agent_service import AgentService
from onboard.practice.machine import ACCOUNT, UPLOADS, Machine
from onboard.practice.step_simulation import GoneAway, Steps
from onboard.scripts.posix import POSIX
from onboard.steps import script as step_script

ADDRESS = "127.0.0.1"
LARGEST_REQUEST = 1024 * 1024
EXPIRED = (
    b"sudo: Account or password is expired, reset your password and try again\n"
    b"sudo: unable to change expired password: Authentication token manipulation error\n"
)
NOT_HERE = b"A practice server runs no scripts but those of this program.\n"


@dataclass(slots=True, eq=False)
class PracticeServer:
    """One server. Its methods belong to the event loop it was started in.

    authorized  the public key that may log in
    password    if set, accepted for log-in and for sudo
    log_ins     how often somebody logged in
    """

    machine: Machine
    host_key: asyncssh.SSHKey
    authorized: asyncssh.SSHKey
    password: Secret | None = None
    log_ins: int = 0
    refused: int = 0
    agent: AgentService = field(init=False)
    _steps: Steps = field(init=False)
    _known_key: str = field(init=False)
    _port: int = 0
    _listener: asyncssh.SSHAcceptor | None = None
    _silent: socket.socket | None = None
    _open: set[asyncssh.SSHServerConnection] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.agent = AgentService(self.machine)
        self._steps = Steps(self.machine, self.agent)
        self._known_key = self.machine.identity.host_key
        if self.machine.image.server.has_new_key:
            self._known_key = public_line(asyncssh.generate_private_key("ssh-ed25519"))

    @property
    def name(self) -> str:
        return self.machine.name

    @property
    def port(self) -> int:
        """Its port on ADDRESS. RuntimeError before it is started."""
        if not self._port:
            raise RuntimeError(f"{self.name} is not started")
        return self._port

    def digest(self) -> str:
        """Hash in hex over everything that steps can change."""
        return self.machine.digest()

    def known_hosts_line(self) -> str:
        """Its line for a known_hosts file, without the line end: its key, or a former one where it has a new one."""
        return f"[{ADDRESS}]:{self.port} {self._known_key}"

    async def start(self) -> None:
        """Listen on a port that the operating system chooses. Raises OSError."""
        if self.machine.image.server.is_off:
            self._silent = socket.socket()
            self._silent.bind((ADDRESS, 0))  # nobody else gets the port, and nobody is listening there
            self._port = self._silent.getsockname()[1]
            return
        self._listener = await asyncssh.listen(
            ADDRESS,
            0,
            server_factory=lambda: _LogIn(self),
            server_host_keys=[self.host_key],
            process_factory=self._serve,
            encoding=None,
            server_version="practice",
            gss_host=None,  # otherwise each server would look up this computer's name
            allow_pty=False,
            agent_forwarding=False,
            rekey_seconds=24 * 3600,
        )
        self._port = self._listener.get_port()

    async def stop(self) -> None:
        """Stop listening, close the connections and stop the agent."""
        await self.agent.stop()
        if self._silent is not None:
            self._silent.close()
        if self._listener is not None:
            self._go_away()
            await self._listener.wait_closed()

    def _go_away(self) -> None:
        """Break off all connections, and take no more of them."""
        if self._listener is not None:
            self._listener.close()
        for connection in list(self._open):
            connection.abort()

    async def _serve(self, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        """One exec channel: takes a request and gives its answer."""
        try:
            if process.command != COMMAND:
                process.stderr.write(NOT_HERE)
                process.exit(127)
                return
            noise = self.machine.image.server.noise.encode()
            process.stdout.write(noise)
            process.stderr.write(noise)
            request = await _read_request(process.stdin)
            if request is not None:
                await asyncio.sleep(self.machine.image.server.delay_s)
                await self._answer(request, process)
            process.exit(0)
        except GoneAway:
            self._go_away()
        except (asyncssh.Error, ConnectionError, asyncio.IncompleteReadError):
            process.close()  # the client has gone away

    async def _answer(self, request: Request, process: "asyncssh.SSHServerProcess[bytes]") -> None:
        process.stderr.write(request.start())
        if request.privileged and not await self._may_sudo(request, process):
            return
        process.stdout.write(request.begin())
        process.stderr.write(request.begin())
        folder = f"{UPLOADS}{token_hex(5)}/"
        try:
            result = await self._run(request, folder, process.stdin)
            process.stdout.write(result.stdout + request.end(result.exit_code))
            process.stderr.write(result.stderr + request.end(result.exit_code))
            if request.hold:
                await process.stdin.read()
        finally:
            for path in self.machine.below(folder):
                del self.machine.files[path]

    async def _may_sudo(self, request: Request, process: "asyncssh.SSHServerProcess[bytes]") -> bool:
        """Behave like sudo; False if it refused and printed why."""
        match self.machine.image.server.sudo:
            case "free":
                return True
            case "none":
                process.stdout.write(request.cannot("no-sudo"))
                return False
            case "expired":
                return _refused(request, process, EXPIRED)
        said = b"sudo: a password is required\n"
        if request.prompt:
            process.stderr.write(request.question(ACCOUNT, ACCOUNT))
            if self._may_with(await _read_line(process.stdin)):
                return True
            process.stderr.write(b"Sorry, try again.\n" + request.question(ACCOUNT, ACCOUNT))
            await process.stdin.read()
            said = b"sudo: 1 incorrect password attempt\n"
        return _refused(request, process, said)

    def _may_with(self, given: str) -> bool:
        """Whether sudo accepts this password."""
        own = self.machine.image.server.password
        return self._is_password(given) or (bool(own) and compare_digest(given.encode(), own.encode()))

    def _is_password(self, given: str) -> bool:
        return self.password is not None and compare_digest(given.encode(), self.password.reveal().encode())

    async def _run(self, request: Request, folder: str, stdin: "asyncssh.SSHReader[bytes]") -> ScriptResult:
        """What the script would do and print."""
        if upload := re.match(r"# upload: (\S+) (\d+)\n", request.script):
            content = await stdin.readexactly(request.input_size or 0)
            path = f"{folder}upload/{upload[1]}"
            self.machine.files[path] = content
            answer = UploadAnswer(path, hashlib.sha256(content).hexdigest())
            return ScriptResult(0, answer.to_bytes(), b"")
        secret = await _read_line(stdin) if request.wants_secret else ""
        if step_script.asked(POSIX, request.script):
            if not request.privileged:
                return ScriptResult(1, b"", b"only root may do this\n")
            return await self._steps.run(request.script, secret)
        if bundle.asked(request.script):
            answers = self.machine.answers(request.script, as_root=request.privileged)
            return ScriptResult(0, bundle.answer(request.script, answers), b"")
        if regions.asked(request.script):
            return ScriptResult(0, await regions.measured_by_server(request.script), b"")
        return ScriptResult(127, b"", NOT_HERE)


def public_line(key: asyncssh.SSHKey) -> str:
    """A host key as known_hosts has it: type and base64."""
    return " ".join(key.export_public_key().decode().split()[:2])


def _refused(request: Request, process: "asyncssh.SSHServerProcess[bytes]", said: bytes) -> bool:
    """End as sudo does when it does not run the script. Returns False."""
    process.stderr.write(said + request.end(1))
    process.stdout.write(request.end(1))
    return False


class _LogIn(asyncssh.SSHServer):
    """Who may log in; one for each connection. Forwarding of any kind is refused, which is asyncssh's default."""

    def __init__(self, server: PracticeServer) -> None:
        self._server = server
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn
        self._server._open.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._connection is not None:
            self._server._open.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        banner = self._server.machine.image.server.banner
        if banner and self._connection is not None:
            self._connection.send_auth_banner(banner)
        return True

    def auth_completed(self) -> None:
        self._server.log_ins += 1

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == ACCOUNT and key.public_data == self._server.authorized.public_data

    def password_auth_supported(self) -> bool:
        return self._server.password is not None

    def validate_password(self, username: str, password: str) -> bool:
        right = username == ACCOUNT and self._server._is_password(password)
        self._server.refused += not right
        return right


async def _read_request(stdin: "asyncssh.SSHReader[bytes]") -> Request | None:
    """Read the request; None if the input ends too early or is not a request."""
    received = b""
    while len(received) <= LARGEST_REQUEST:
        more = await stdin.read(65536)
        if not more:
            return None
        received += more
        if received.endswith(b" complete\n"):
            text = received.decode(errors="replace")
            if is_complete(text):
                with suppress(ValueError):
                    return parse_request(text)
                return None
    return None


async def _read_line(stdin: "asyncssh.SSHReader[bytes]") -> str:
    return (await stdin.readline()).decode(errors="replace").removesuffix("\n")
