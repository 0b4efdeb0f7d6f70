"""Refuse to change a server that another process is changing. Each would take the other's work for a fault."""

from collections.abc import Collection, Sequence

from onboard.engine.journal import Journal, NotUnderstood
from onboard.model.changes import CHANGING
from onboard.model.errors import OnboardError
from onboard.model.profile import Host
from onboard.model.words import FEW, Text, and_more


def other_run_on(hosts: Sequence[Host], journal: Journal, *, own: Collection[str]) -> OnboardError | None:
    """Why a command may not go on: another process changes one of `hosts`, by whatever profile and name.

    `own` are the runs that the command itself holds. Asked once it does: of two that begin together at least one sees
    the other. An undo counts for all servers of its profile.
    """
    names = {host.place: host.name for host in hosts}
    for record in journal.runs():
        if record.command not in CHANGING or record.run in own or record.finished:
            continue
        if not journal.is_held(record.run):
            continue
        try:
            shared = [names[place] for place in record.places().values() if place in names]
        except NotUnderstood as error:  # it may be at work on any server
            return error
        if shared:
            return OnboardError(
                Text("Another process is changing {servers}; nothing was changed here", servers=and_more(shared, FEW)),
                where=f"run {record.run} ({record.command}, begun {record.started[:16].replace('T', ' ')} UTC)",
                why="Two runs on one server disturb each other",
                remedy="Wait until that run has ended, or stop it; then begin again",
            )
    return None
