"""Is the Systems Manager agent on this server, from which package, and does it run?"""

from dataclasses import dataclass

from onboard.facts.base import Answer, Fact, FactError


@dataclass(frozen=True, slots=True)
class AgentPackage:
    """`kind`: deb, rpm or snap."""

    kind: str
    version: str


@dataclass(frozen=True, slots=True)
class AgentService:
    """`state` as systemd says it: active, inactive, failed; `enabled`: enabled, disabled, …"""

    unit: str
    state: str
    enabled: str


@dataclass(frozen=True, slots=True)
class AgentProcess:
    """`path` of its program, "" when not root."""

    pid: int
    path: str


@dataclass(frozen=True, slots=True)
class Agent:
    """`config`: content of amazon-ssm-agent.json, None without one. `template`: the file it is copied from."""

    packages: tuple[AgentPackage, ...] = ()
    binaries: tuple[str, ...] = ()
    services: tuple[AgentService, ...] = ()
    processes: tuple[AgentProcess, ...] = ()
    template: str = ""
    config: str | None = None

    @property
    def is_installed(self) -> bool:
        return bool(self.packages or self.binaries)

    @property
    def version(self) -> str:
        """Of the package, "" when it came without one."""
        return self.packages[0].version if self.packages else ""

    @property
    def is_running(self) -> bool:
        return bool(self.processes)


def parse(answer: Answer) -> Agent:
    packages: list[AgentPackage] = []
    binaries: list[str] = []
    services: list[AgentService] = []
    processes: list[AgentProcess] = []
    template = ""
    config: list[str] | None = None
    lines = answer.stdout.splitlines()
    if "asked all" not in lines:
        raise FactError("the answer was cut off")
    for line in lines:
        key, _, rest = line.partition(" ")
        words = rest.split()
        if key == "|" and config is not None:
            config.append(rest)
        elif key == "config":
            config = []
        elif key == "package" and words:
            packages += _package(words)
        elif key == "binary":
            binaries.append(rest)
        elif key == "service" and len(words) == 3:
            services.append(AgentService(*words))
        elif key == "process" and words and words[0].isascii() and words[0].isdigit() and len(words[0]) < 12:
            processes.append(AgentProcess(int(words[0]), " ".join(words[1:])))
        elif key == "template" and not template:
            template = rest
    return Agent(
        tuple(packages),
        tuple(binaries),
        tuple(services),
        tuple(processes),
        template,
        None if config is None else "\n".join(config),
    )


def _package(words: list[str]) -> list[AgentPackage]:
    """dpkg remembers packages that were removed: `deinstall ok config-files` is not installed."""
    kind, *rest = words
    if kind == "deb" and rest and rest[-1] in ("config-files", "not-installed"):
        return []
    version = rest[0] if rest and rest[0][:1].isdigit() else ""
    return [AgentPackage(kind, version.removesuffix("-1"))]


FACT = Fact("agent", parse, timeout=15.0)
