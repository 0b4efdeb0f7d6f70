"""Upload the verified package and install it. The installation continues if the connection is lost."""

from collections.abc import Mapping

from onboard.agent_flaws import numbers
from onboard.facts.base import Facts, Unknown
from onboard.facts.posix import agent, kernel, operating_system, package_manager
from onboard.hosts.connection import Capability, Connection
from onboard.model.changes import ChangeName
from onboard.model.package import Package
from onboard.model.plan import Change
from onboard.model.words import Text
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Step, StepFailed, Supplies
from onboard.steps.failure_causes import explain_installation

ARCHITECTURES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
_SHARED = (script.LOCK, script.DETACHED, script.SERVICE, script.PACKAGE)


class InstallAgent(Step):
    name = ChangeName.INSTALL_AGENT
    doing = Text("Installing the agent")
    disturbs_agent = True

    def applies(self, before: Before) -> bool:
        return before.package is not None

    def is_made(self, before: Before) -> bool:
        installed = _installed(before)
        return bool(installed) and numbers(installed) >= numbers(_package(before).version)

    def change(self, before: Before) -> Change:
        package, installed = _package(before), _installed(before)
        return Change.of(
            self.name,
            _summary(installed, package.version, is_there=self.is_made(before)),
            detail={"package": f"{package.kind} {package.arch}", "version": package.version, "sha256": package.sha256},
            before={"version": installed} if installed and numbers(installed) != numbers(package.version) else {},
        )

    def package_wanted(self, facts: Facts) -> tuple[str, str] | None:
        """(deb or rpm, amd64 or arm64).

        An agent installed as a snap stays a snap: dpkg's package refuses to be installed next to it.
        """
        manager, hardware, found = facts.get(package_manager.FACT), facts.get(kernel.FACT), facts.get(agent.FACT)
        if isinstance(manager, Unknown) or isinstance(hardware, Unknown):
            return None
        architecture = ARCHITECTURES.get(hardware.machine)
        formats = [kind for kind in manager.formats if kind in ("deb", "rpm")]
        has = [] if isinstance(found, Unknown) else [package.kind for package in found.packages]
        if architecture is None or not formats or "snap" in has:
            return None
        return next((kind for kind in has if kind in formats), _kind(facts, formats)), architecture

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        package = _package(before)
        if Capability.UPLOAD not in connection.can:
            why = "The package cannot be sent over this kind of connection"
            raise StepFailed("The agent was not installed", where=before.host.name, why=why)
        variables = {
            "package": connection.upload(package.path, sha256=package.sha256),
            "sha256": package.sha256,
            "kind": package.kind,
            "version": package.version,
            "patience": str(script.PATIENCE),
            "worker": self._worker("work", kind=package.kind),
        }
        return script.run(
            connection,
            script.compose(POSIX, self.name, "apply", variables, _SHARED),
            failure="The agent was not installed",
            timeout=script.LONGEST,
            explain=explain_installation,
        )

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        variables = {
            "patience": str(script.PATIENCE),
            "worker": self._worker("unwork"),
            **script.undo_variables(undo),
        }
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", variables, _SHARED),
            failure="The agent was not removed",
            timeout=script.LONGEST,
            explain=explain_installation,
        )

    def _worker(self, action: str, **variables: str) -> str:
        return script.compose(
            POSIX, self.name, action, {"limit": str(script.LOCK_LIMIT), **variables}, (script.PACKAGE_LOCK,)
        )


def _summary(installed: str, version: str, *, is_there: bool) -> Text:
    if is_there:
        return Text("Install the agent {version} again, because it was interrupted", version=version)
    if installed:
        return Text("Upgrade the agent from {installed} to {version}", installed=installed, version=version)
    return Text("Install the agent {version}", version=version)


def _package(before: Before) -> Package:
    if before.package is None:
        raise StepFailed(
            "The agent was not installed", where=before.host.name, why="No package was downloaded for this server"
        )
    return before.package


def _installed(before: Before) -> str:
    """The agent's version; "" if there is no agent or it is not known."""
    found = before.facts.get(agent.FACT)
    return "" if isinstance(found, Unknown) else found.version


def _kind(facts: Facts, formats: list[str]) -> str:
    """If both tools are installed, the one that the system itself is built with."""
    system = facts.get(operating_system.FACT)
    if len(formats) == 1 or isinstance(system, Unknown):
        return formats[0]
    wanted = "deb" if system.family == "debian" else "rpm"
    return wanted if wanted in formats else formats[0]
