"""A kind of practice server: resources/practice/NAME.toml. To add a fault, add a file.

    title = "Debian 12, its clock 7 minutes slow"
    base = "healthy-debian"         # then give only what differs
    wrong = "The clock is 7 minutes slow"
    check = "clock_in_sync"         # the check that finds it, if one does
    ends = "blocked"                # how apply ends for it, see Image; omit all three for a server without a fault

    [server]                        # see Server
    clock_offset_s = -420

    [agent]                         # what is already installed, see Agent
    [files]                         # path = "content"
    [facts.kernel]                  # see FactAnswer: a fact is always given as a whole
    [steps.install_agent]           # a step that does not succeed, see StepFault

Texts of facts and files can contain placeholders in braces, listed in PLACEHOLDERS. A line that consists only of
placeholders is left out if all of them are empty.
"""

import re
import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources.abc import Traversable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, StrictBool, StrictInt, ValidationError, model_validator

from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.model import formats, validation
from onboard.model.errors import Problem, ProfileError
from onboard.model.profile import Section
from onboard.model.status import HostStatus
from onboard.resources import resource
from onboard.scripts.posix import POSIX

FOLDER = "practice"
STORY = "story.txt"  # in that folder: the servers of `onboard practice --run`
PLACEHOLDERS = {
    "name": "the server's name",
    "region": "the Region of the practice",
    "machine_id": "random, 32 hexadecimal digits; one for all servers of a `count`",
    "product_uuid": "random, a UUID; each server its own",
    "instance_id": "random, the id of a node that no account here has",
    "host_key": "the type and base64 of its SSH host key",
    "now": "its clock, in seconds since the epoch",
    "exact": "its clock, with nine decimals",
    "date": "the true time, as an HTTP header has it",
    "account": "who logs in: admin",
    "uid": "the number of whom the script runs as",
    "user": "the name of whom the script runs as",
    "sudo_user": "who logs in, while the script runs as root",
    "agent": "the agent's package, binary, service, process and configuration, as facts/agent.sh prints them",
    "registration": "the agent's registration and key, as facts/registration.sh prints them",
    "pending": "what this program left under way, as facts/changes_pending.sh prints it",
    "root_key": "the kind of root's AWS key, as facts/root_credentials.sh prints it",
    "drop_ins": "drop-ins of the agent's service, as facts/proxy_in_force.sh prints them",
    "certificates": "the Amazon roots it trusts, as facts/root_certificates.sh prints them",
    "certificate_count": "how many certificates its bundle has",
    "service": "in `each_endpoint`: the endpoint's service",
    "url": "in `each_endpoint`: its URL",
    "host": "in `each_endpoint`: its host",
    "via": "in `each_endpoint`: the profile's proxy",
}
_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")
_OWN = ("title", "wrong", "check", "ends", "count")  # what an image does not inherit from its base
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def _known_placeholders(text: str) -> str:
    for name in _PLACEHOLDER.findall(text):
        if name not in PLACEHOLDERS:
            guess = validation.nearest(name, PLACEHOLDERS)
            remedy = f"Did you mean {{{guess}}}" if guess else f"Known are {', '.join(PLACEHOLDERS)}"
            raise formats.refused(f"there is no placeholder {{{name}}}", remedy)
    return text


def _asked_fact(name: str) -> str:
    if f"facts/{name}" not in POSIX.names("facts"):
        raise formats.refused(f"no fact {formats.shown(name)} is asked", "Name a file of scripts/posix/facts")
    return name


def _applied_step(name: str) -> str:
    if f"steps/{name}.apply" not in POSIX.names("steps"):
        raise formats.refused(f"there is no step {formats.shown(name)}", "Name a step of scripts/posix/steps")
    return name


def _amazon_root(name: str) -> str:
    known = [root.name for root in AMAZON_ROOTS]
    if name not in known:
        raise formats.refused(f"{formats.shown(name)} is no Amazon root", f"Known are {', '.join(known)}")
    return name


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise formats.refused(f"{formats.shown(path)} does not begin with a slash", "Write the whole path")
    return path


Text = Annotated[str, AfterValidator(_known_placeholders)]
FactName = Annotated[str, AfterValidator(_asked_fact)]
StepName = Annotated[str, AfterValidator(_applied_step)]
RootName = Annotated[str, AfterValidator(_amazon_root)]
ServerPath = Annotated[str, AfterValidator(_absolute)]


class FactAnswer(Section):
    """What a fact's script prints. `each_endpoint` follows `stdout`, once for each endpoint asked about."""

    stdout: Text = ""
    each_endpoint: Text = ""
    stderr: Text = ""
    exit_code: StrictInt = Field(0, ge=0, le=255)


class StepFault(Section):
    """What a step does instead of its work: its script fails with this text, or the server goes away in the middle."""

    said: str = ""
    goes_away: StrictBool = False

    @model_validator(mode="after")
    def _is_one_of_both(self) -> Self:
        if bool(self.said) == self.goes_away:
            raise formats.refused("`said` and `goes_away` exclude each other", "Write one of them")
        return self


class Server(Section):
    """The machine.

    banner        comes before the log-in
    noise         what rc files print, before anything else
    sudo          "expired": it wants a password, and that password has to be changed first
    password      what sudo accepts
    delay_s       how many seconds each answer takes
    is_off        nothing listens at its port
    has_new_key   known_hosts has another host key for it
    agent_dies    its agent ends as soon as it gets a command, that is, after it was Online
    """

    package_kind: Literal["deb", "rpm"] = "deb"
    roots: tuple[RootName, ...] = tuple(root.name for root in AMAZON_ROOTS)
    other_roots: StrictInt = Field(137, ge=0, description="Certificates in its bundle that are not Amazon's.")
    anchors: ServerPath = "/usr/local/share/ca-certificates"
    clock_offset_s: float = 0.0
    reaches_aws: StrictBool = True
    sudo: Literal["free", "password", "expired", "none"] = "free"
    password: str = ""
    banner: str = ""
    noise: str = ""
    delay_s: float = Field(0.0, ge=0, le=60)
    is_off: StrictBool = False
    has_new_key: StrictBool = False
    agent_dies: StrictBool = False


class Agent(Section):
    """An agent that is already installed."""

    version: str
    running: StrictBool = True


class Image(Section):
    """A kind of server.

    wrong   what is wrong with it; "" for a healthy one
    check   the check that finds it, "" where it shows only later or before the checks
    ends    how apply ends for it while the cloud works; a server that only warns comes online
    count   so many of them share their machine-id and SSH host key, as clones do
    """

    name: str
    title: str
    wrong: str = ""
    check: str = ""
    ends: HostStatus = HostStatus.ONLINE
    count: StrictInt = Field(1, ge=1, le=100)
    server: Server = Server()
    agent: Agent | None = None
    files: Mapping[ServerPath, Text] = Field(default_factory=dict)
    facts: Mapping[FactName, FactAnswer] = Field(default_factory=dict)
    steps: Mapping[StepName, StepFault] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        told = {"check", "ends"} & self.model_fields_set
        if bool(self.wrong) != bool(told):
            remedy = "Write `wrong` and one of them or both, or nothing of it for a healthy server"
            raise formats.refused("`wrong` and `check` go together, and so do `wrong` and `ends`", remedy)
        return self

    @property
    def is_healthy(self) -> bool:
        return not self.wrong


def images() -> tuple[Image, ...]:
    """All images in resources/practice, the healthy ones first, then by name. Raises ProfileError."""
    names = [entry.name.removesuffix(".toml") for entry in resource(FOLDER).iterdir() if entry.name.endswith(".toml")]
    return tuple(sorted(map(image, names), key=lambda found: (not found.is_healthy, found.name)))


def story() -> tuple[Image, ...]:
    """The images of resources/practice/story.txt, in its order, some of them more than once. Raises ProfileError."""
    lines = resource(f"{FOLDER}/{STORY}").read_text(encoding="utf-8").splitlines()
    return tuple(image(line.strip()) for line in lines if line.strip() and not line.startswith("#"))


@cache
def image(name: str) -> Image:
    """The image of that name. Raises ProfileError with all mistakes in its file."""
    return load(name, resource(FOLDER))


def load(name: str, folder: Traversable) -> Image:
    """The image NAME.toml in a folder, with what it inherits. Raises ProfileError."""
    data = _with_bases(name, folder, ())
    try:
        return Image.model_validate({**data, "name": name})
    except ValidationError as error:
        raise ProfileError(
            f"{name}.toml", tuple(_problem(found) for found in error.errors(include_url=False))
        ) from None


def _with_bases(name: str, folder: Traversable, above: tuple[str, ...]) -> dict[str, Any]:
    where = f"{above[-1]}.toml" if above else name
    if not _NAME.fullmatch(name) or not (folder / f"{name}.toml").is_file():
        raise _mistake(
            where, "base" if above else "name", f"there is no image {formats.shown(name)}", "Name a file here"
        )
    if name in above:
        chain = " → ".join((*above, name))
        raise _mistake(where, "base", f"it leads back to itself: {chain}", "Remove the base of one of them")
    try:
        data = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _mistake(f"{name}.toml", name, f"it is not valid TOML: {error}", "Correct the line") from None
    base = data.pop("base", None)
    if base is None:
        return data
    if not isinstance(base, str):
        raise _mistake(f"{name}.toml", "base", "it is not text", 'Write the name of an image: base = "…"')
    return _merged(_with_bases(base, folder, (*above, name)), data)


def _merged(base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """Merge `own` over `base`: tables by key, facts as a whole."""
    merged = {key: value for key, value in base.items() if key not in _OWN}
    for key, value in own.items():
        inherited = merged.get(key)
        both = isinstance(inherited, dict) and isinstance(value, dict)
        merged[key] = {**inherited, **value} if both else value  # type: ignore[dict-item]
    return merged


def _problem(error: Any) -> Problem:
    key = ".".join(str(part) for part in error["loc"] if part != "[key]") or "check"
    if error["type"] == "extra_forbidden":
        parts: dict[str, Any] = {"server": Server, "agent": Agent, "facts": FactAnswer, "steps": StepFault}
        section = parts.get(str(error["loc"][0]), Image) if len(error["loc"]) > 1 else Image
        known = [name for name in section.model_fields if name != "name"]
        return validation.unknown_problem(key, str(error["loc"][-1]), known)
    return validation.wrong_value(key, error)


def _mistake(where: str, key: str, problem: str, remedy: str) -> ProfileError:
    return ProfileError(where, (Problem(key, problem, remedy),))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled. ValueError for a placeholder without a value."""

    def value(place: re.Match[str]) -> str:
        if place[1] not in values:
            raise ValueError(f"{{{place[1]}}} has no value here")
        return values[place[1]]

    lines = []
    for line in text.splitlines(keepends=True):
        filled = _PLACEHOLDER.sub(value, line)
        if filled.strip() or not _PLACEHOLDER.search(line):
            lines.append(filled)
    return "".join(lines)
