"""The inside of a practice server: a few files, a package, a service. Steps change it, and facts read it.

It exists only in this process, and it never executes a script.
"""

import hashlib
import json
import re
import shlex
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import cache
from secrets import token_hex
from urllib.parse import urlsplit

from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.facts.base import Answer
from onboard.practice.image import FactAnswer, Image, fill

ACCOUNT = "admin"
CREDENTIALS = "/root/.aws/credentials"
CONFIG = "/etc/amazon/ssm/amazon-ssm-agent.json"
DROP_INS = "/etc/systemd/system/amazon-ssm-agent.service.d/"
STATE = "/var/lib/amazon/ssm/"
REGISTRATION = f"{STATE}registration"
REGISTRATION_KEY = f"{STATE}Vault/Store/RegistrationKey"
PENDING = "/var/lib/onboard/"
PROGRAM = "/usr/bin/amazon-ssm-agent"
UPLOADS = "/tmp/onboard."  # noqa: S108 - exists only in the simulation
AGENT_PID = 4711


@dataclass(frozen=True, slots=True)
class Identity:
    """What clones have in common. `host_key`: the SSH host key's type and base64."""

    machine_id: str
    host_key: str

    @classmethod
    def new(cls, host_key: str) -> "Identity":
        return cls(token_hex(16), host_key)


@dataclass(slots=True, eq=False)
class Machine:
    """One server's state.

    files     path → content; folders are not kept
    package   version of the agent's package, None if it is not installed
    running   whether the agent's service is started
    enabled   whether it starts with the machine
    authority the root certificate of its practice's cloud, as PEM; it trusts it like the image's own
    """

    image: Image
    name: str
    region: str
    identity: Identity
    files: dict[str, bytes] = field(default_factory=dict)
    package: str | None = None
    running: bool = False
    enabled: bool = False
    authority: str = ""
    _own: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._own = {
            "name": self.name,
            "region": self.region,
            "account": ACCOUNT,
            "machine_id": self.identity.machine_id,
            "host_key": self.identity.host_key,
            "product_uuid": str(uuid.uuid4()),
            "instance_id": f"mi-{token_hex(9)[:17]}",
        }
        self.files = {path: fill(text, self._own).encode() for path, text in self.image.files.items()}
        if self.authority:
            self.files[f"{self._anchors}onboard-practice.crt"] = self.authority.encode()
        if self.image.agent is not None:
            self.package = self.image.agent.version
            self.running = self.enabled = self.image.agent.running

    def digest(self) -> str:
        """Hash in hex over all that steps can change. Uploads end with their connection and do not count."""
        kept = {path: content for path, content in dict(self.files).items() if not path.startswith(UPLOADS)}
        files = {path: hashlib.sha256(content).hexdigest() for path, content in kept.items()}
        state = [files, self.package, self.running, self.enabled]
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()

    def clock(self) -> float:
        """The server's clock, in seconds since the epoch."""
        return time.time() + self.image.server.clock_offset_s

    def below(self, folder: str) -> list[str]:
        """Paths of the files in a folder, which ends with a slash, and its own folders; sorted."""
        return sorted(path for path in self.files if path.startswith(folder))

    @property
    def has_registration_key(self) -> bool:
        """Whether the vault has a node's key: without one, the file `registration` says nothing."""
        key = self.files.get(REGISTRATION_KEY, b"")
        return bool(key) and not re.search(rb'"instanceID":\s*""', key)

    @property
    def alive(self) -> bool:
        """Whether the agent itself runs; without a registration it ends as soon as it is started."""
        return self.running and REGISTRATION in self.files and self.has_registration_key

    @property
    def platform(self) -> tuple[str, str]:
        """Name and version of the system, as the agent reports them from /etc/os-release."""
        told = self.image.facts["operating_system"].stdout if "operating_system" in self.image.facts else ""
        values = dict(re.findall(r'^([A-Z_]+)="?(.*?)"?$', told, re.MULTILINE))
        return values.get("NAME", "Linux"), values.get("VERSION_ID", "")

    @property
    def trusted_roots(self) -> list[str]:
        """Names of the trusted Amazon roots: the image's, and those in the folders where roots are added."""
        added = [_one_line(self.files[path].decode(errors="replace")) for path in self.below(self._anchors)]
        shipped = self.image.server.roots
        return [root.name for root in AMAZON_ROOTS if root.name in shipped or _certificate(root.name) in added]

    @property
    def added_roots(self) -> str:
        """The root certificates that were added to the image's, as PEM."""
        texts = "\n".join(self.files[path].decode(errors="replace") for path in self.below(self._anchors))
        return "\n".join(re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", texts, re.DOTALL))

    @property
    def _anchors(self) -> str:
        return f"{self.image.server.anchors}/"

    def answers(self, script: str, *, as_root: bool) -> Mapping[str, Answer]:
        """The current answers of the image's facts, by name. `script` contains the endpoints."""
        values = self._values(as_root=as_root)
        endpoints = list(_endpoints(script))
        answers = {name: _answered(said, values, endpoints) for name, said in self.image.facts.items()}
        if not as_root and self.below(STATE):
            answers["registration"] = Answer("", f"{STATE.rstrip('/')} can be read by root only\n", 1)
        if not as_root:
            answers["root_credentials"] = Answer("", "/root can be read by root only\n", 1)
        return answers

    def _values(self, *, as_root: bool) -> dict[str, str]:
        roots = self.trusted_roots
        now = self.clock()
        return {
            **self._own,
            "now": str(int(now)),
            "exact": f"{now:.9f}",
            "date": formatdate(usegmt=True),
            "uid": "0" if as_root else "1000",
            "user": "root" if as_root else ACCOUNT,
            "sudo_user": ACCOUNT if as_root else "",
            "agent": "\n".join(self._agent()),
            "registration": "\n".join(self._registration()),
            "pending": "\n".join(f"pending {path.removeprefix(PENDING)}" for path in self.below(PENDING)),
            "root_key": self._root_key(),
            "drop_ins": "\n".join(self._drop_ins()),
            "certificates": "\n".join(f"certificate {_certificate(name)}" for name in roots),
            "certificate_count": str(self.image.server.other_roots + len(roots)),
        }

    def _agent(self) -> Iterator[str]:
        """The output of facts/agent.sh."""
        if self.package is not None:
            if self.image.server.package_kind == "deb":
                yield f"package deb {self.package}-1 install ok installed"
            else:
                yield f"package rpm {self.package} 1"
            yield f"binary {PROGRAM}"
            state = "inactive" if not self.running else "active" if self.alive else "activating"
            yield f"service amazon-ssm-agent {state} {'enabled' if self.enabled else 'disabled'}"
            if self.alive:
                yield f"process {AGENT_PID} {PROGRAM}"
            yield f"template {CONFIG}.template"
        if CONFIG in self.files:
            yield f"config {CONFIG}"
            yield from _quoted(self.files[CONFIG])

    def _registration(self) -> Iterator[str]:
        """The output of facts/registration.sh."""
        if REGISTRATION in self.files:
            yield f"registration {self.files[REGISTRATION].decode(errors='replace').strip()}"
        if self.has_registration_key:
            yield "key present"

    def _root_key(self) -> str:
        """The output of facts/root_credentials.sh."""
        text = self.files.get(CREDENTIALS, b"").decode(errors="replace")
        default = re.search(r"^\[default\]$(.*?)(?=^\[|\Z)", text, re.MULTILINE | re.DOTALL)
        key = re.search(r"^aws_access_key_id *= *(.*)$", default[1] if default else "", re.MULTILINE)
        return "none" if key is None else "temporary" if key[1].startswith("ASIA") else "own"

    def _drop_ins(self) -> Iterator[str]:
        """The output of facts/proxy_in_force.sh."""
        for path in self.below(DROP_INS):
            content = self.files[path]
            for word in re.findall(r'[A-Za-z_]*proxy=[^ \t\n"]*', content.decode(errors="replace"), re.IGNORECASE):
                name, _, value = word.partition("=")
                yield f"agent {name} {value}"
            yield f"drop_in {path} {hashlib.sha256(content).hexdigest()}"
            yield from _quoted(content)


def variable(script: str, name: str) -> str:
    """The value of a shell variable in a composed script, "" if it is not set."""
    found = re.search(rf"^{name}=(.*?)\nexport {name}$", script, re.MULTILINE | re.DOTALL)
    return "".join(shlex.split(found[1])) if found else ""


def _endpoints(script: str) -> Iterator[dict[str, str]]:
    proxy = variable(script, "ONBOARD_PROXY")
    for line in variable(script, "ONBOARD_ENDPOINTS").splitlines():
        service, _, url = line.partition(" ")
        yield {"service": service, "url": url, "host": urlsplit(url).hostname or "", "via": proxy}


def _answered(said: FactAnswer, values: dict[str, str], endpoints: list[dict[str, str]]) -> Answer:
    each = "".join(fill(said.each_endpoint, {**values, **endpoint}) for endpoint in endpoints)
    return Answer(fill(said.stdout, values) + each, fill(said.stderr, values), said.exit_code)


def _quoted(content: bytes) -> Iterator[str]:
    for line in content.decode(errors="replace").splitlines():
        yield f"| {line}"


@cache
def _certificate(name: str) -> str:
    """The base64 of an Amazon root, without line ends."""
    return next(_one_line(root.pem) for root in AMAZON_ROOTS if root.name == name)


def _one_line(pem: str) -> str:
    """The base64 between the first BEGIN and END of a PEM file, in one line; "" if there is none."""
    found = re.search(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", pem, re.DOTALL)
    return re.sub(r"\s", "", found[1]) if found else ""
