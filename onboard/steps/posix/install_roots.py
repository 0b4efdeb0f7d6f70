"""Add Amazon's root certificates to the server's trust store, if they are missing and the profile allows it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from onboard.facts.amazon_roots import AMAZON_ROOTS, AmazonRoot
from onboard.facts.base import Unknown
from onboard.facts.posix import root_certificates, trust_anchors
from onboard.hosts.connection import Connection
from onboard.model.changes import ChangeName
from onboard.model.plan import Change
from onboard.model.words import Text
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Fix, Step, StepFailed, Supplies


@dataclass(frozen=True, slots=True)
class Store:
    """Where roots of one's own go, what they are called there, and the tool that rebuilds the bundle."""

    tool: str
    folder: str
    suffix: str


# Debian's family, then SUSE's, whose tool has the same name, then Red Hat's.
STORES = (
    Store("update-ca-certificates", "/usr/local/share/ca-certificates", ".crt"),
    Store("update-ca-certificates", "/etc/pki/trust/anchors", ".pem"),
    Store("update-ca-trust", "/etc/pki/ca-trust/source/anchors", ".pem"),
)


class InstallRoots(Step):
    name = ChangeName.INSTALL_ROOTS
    doing = Text("Adding root certificates")
    fix = Fix(
        allow=Text("Add the five roo&ts"),
        forbid=Text("Do not add the roo&ts"),
        allowed=Text("Roots will be added"),
    )
    disturbs_agent = True

    def is_made(self, before: Before) -> bool:
        return self.name not in before.fixes or not _missing(before)

    def change(self, before: Before) -> Change:
        store = _store(before)
        return Change.of(
            self.name,
            Text("Add {count} of Amazon's root certificates to the trust store", count=len(_missing(before))),
            # All five: which of them are missing may differ when a run is taken up again.
            detail={
                "folder": store.folder if store else "unknown",
                **{root.name: f"SHA-256 {root.sha256}, where it is missing" for root in AMAZON_ROOTS},
            },
        )

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        store = _store(before)
        if store is None:
            raise StepFailed(
                "Amazon's root certificates were not added",
                where=before.host.name,
                why="The server has none of the known tools for its trust store",
                remedy="Install the package ca-certificates, or add the certificates by hand",
            )
        pems = {PurePosixPath(root.file).stem: root.pem.strip() for root in _missing(before)}
        variables = {
            "folder": store.folder,
            "suffix": store.suffix,
            "tool": store.tool,
            "certificates": " ".join(pems),
            **{f"pem_{name}": pem for name, pem in pems.items()},
        }
        return script.run(
            connection,
            script.compose(POSIX, self.name, "apply", variables),
            failure="Amazon's root certificates were not added to the trust store",
        )

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", script.undo_variables(undo), (script.SERVICE,)),
            failure="Amazon's root certificates were not removed from the trust store",
        )


def _missing(before: Before) -> tuple[AmazonRoot, ...]:
    """The missing roots; all five if that is not known: adding one twice does no harm."""
    found = before.facts.get(root_certificates.FACT)
    trusted = () if isinstance(found, Unknown) else found.amazon
    return tuple(root for root in AMAZON_ROOTS if root not in trusted)


def _store(before: Before) -> Store | None:
    anchors = before.facts.get(trust_anchors.FACT)
    if isinstance(anchors, Unknown):
        return None
    return next((store for store in STORES if store.tool in anchors.tools and store.folder in anchors.folders), None)
