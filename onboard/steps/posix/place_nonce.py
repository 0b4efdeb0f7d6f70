"""Place a nonce on the server, readable by root alone, that a Run Command through AWS must bring back.

It is removed by another Run Command once the answer was accepted. The next run replaces a nonce that an
interrupted run left.
"""

from collections.abc import Mapping

from onboard.facts.base import Unknown
from onboard.facts.posix import changes_pending
from onboard.hosts.connection import Connection
from onboard.model.changes import ChangeName
from onboard.model.plan import Change
from onboard.model.words import Text
from onboard.scripts.posix import POSIX
from onboard.steps import script
from onboard.steps.base import Before, Done, Proof, Step, StepFailed, Supplies

FOLDER = "/var/lib/onboard"
LARGEST_ANSWER = 2048
"""Bytes of the file that are read back. The agent silently drops an answer of more than 120,000 bytes of JSON, where
one byte may take six: a file that is not ours would leave the command without any answer."""


class PlaceNonce(Step):
    """The last step of a run: it also removes what the others recorded there in case they are broken off.

    A record that this run did not take up stays: nobody else knows how to undo that step.
    """

    name = ChangeName.PLACE_NONCE
    doing = Text("Placing the nonce")

    def is_made(self, before: Before) -> bool:
        return False

    def change(self, before: Before) -> Change:
        return Change.of(
            self.name,
            Text("Place a nonce that only root can read, to be read back through AWS"),
            detail={"folder": FOLDER},
        )

    def planned_undo(self, before: Before, supplies: Supplies) -> Mapping[str, str]:
        return {"path": nonce_path(supplies.attempt)}

    def proof(self, attempt: str) -> Proof:
        path = POSIX.quote(nonce_path(attempt))
        return Proof(
            document="AWS-RunShellScript",
            ask=f"head -c {LARGEST_ANSWER} {path}",
            remove=f"rm -f {path}\nrmdir {FOLDER} 2>/dev/null || true",
            log="/var/log/amazon/ssm/amazon-ssm-agent.log",
            errors="/var/log/amazon/ssm/errors.log",
            path=nonce_path(attempt),
        )

    def apply(self, connection: Connection, before: Before, supplies: Supplies) -> Done:
        if supplies.nonce is None:
            raise StepFailed("No nonce was placed", where=before.host.name, why="There is no nonce to place")
        path = nonce_path(supplies.attempt)
        return script.run(
            connection,
            script.compose(POSIX, self.name, "apply", {"path": path, "kept": _kept(before)}),
            failure="No nonce was placed",
            secret=supplies.nonce,
        )

    def undo(self, connection: Connection, undo: Mapping[str, str]) -> Done:
        return script.run(
            connection,
            script.compose(POSIX, self.name, "undo", {}),
            failure="The nonce was not removed",
        )


def _kept(before: Before) -> str:
    """Names of the steps whose records stay; `*` for all, where it is not known which were there."""
    found = before.facts.get(changes_pending.FACT)
    if isinstance(found, Unknown):
        return "*"
    return " ".join(sorted(before.broken_off - {step.name for step in before.planned}))


def nonce_path(attempt: str) -> str:
    """Where the nonce of an attempt of a run lies on a server."""
    return f"{FOLDER}/nonce-{attempt}"
