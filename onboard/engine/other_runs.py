"""Refuse to change a server that another process is changing: each would take the other's work for a fault."""

from collections.abc import Collection, Sequence

from onboard.engine.journal import Journal, NotUnderstood
from onboard.model.changes import CHANGING
from onboard.model.errors import OnboardError
from onboard.model.profile import Host
from onboard.model.words import FEW, Text, and_more


def other_run_on(hosts: Sequence[Host], journal: Journal, *, own: Collection[str]) -> OnboardError | None:
    """Why a command may not continue: another process is changing one of `hosts`, under any profile and name.

    `own`: the runs that the command itself holds. It must hold them before it asks, so that of two commands that begin
    together at least one sees the other. An undo counts for all servers of its profile.
    """
    names = {host.place: host.name for host in hosts}
    for record in journal.runs():
        if record.command not in CHANGING or record.run in own or record.finished:
            continue
        if not journal.is_held(record.run):
            continue
        try:
            shared = [names[place] for place in record.places().values() if place in names]
        except NotUnderstood as error:  # it may be changing any server
            return error
        if shared:
            return OnboardError(
                Text("Another process is changing {servers}; nothing was changed here", servers=and_more(shared, FEW)),
                where=f"run {record.run} ({record.command}, begun {record.started[:16].replace('T', ' ')} UTC)",
                why="Two runs on one server would interfere with each other",
                remedy="Wait until that run has ended, or stop it; then try again",
            )
    return None
