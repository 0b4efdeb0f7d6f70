"""The sentences that Install shows about a run."""

from collections import Counter

from onboard.gui.models.host_table import ALL
from onboard.gui.text import plural, tr
from onboard.model.state import State
from onboard.wizard.progress import Group
from onboard.wizard.shown_run import ShownRun
from onboard.wizard.view import EMPTY


def title(shown: ShownRun, counts: Counter[str]) -> str:
    view, state = shown.view, shown.state
    total, online = counts[ALL], counts[Group.ONLINE]
    if shown.is_running:
        return plural("Installing on {n} server", "Installing on {n} servers", total)
    if view.running == "undo":
        return tr("The run is being undone")
    if view.is_undone and not shown.offers_install:
        return tr("The run is undone")
    if shown.undo is not EMPTY:
        return restored_words(shown.undo)
    if not state.run or shown.offers_install:
        return plural("Install on {n} server", "Install on {n} servers", shown.to_install)
    if state.finished:
        return tr("{online} of {total} servers are online", online=f"{online:,}", total=f"{total:,}")
    return tr("Interrupted: {online} of {total} servers are online", online=f"{online:,}", total=f"{total:,}")


def wave_words(shown: ShownRun, counts: Counter[str]) -> tuple[str, str]:
    """Return (current activity, detail)."""
    if shown.undo is not EMPTY:
        if shown.view.running == "undo":
            return tr("Undoing"), ""
        return (tr("Undone") if shown.view.is_undone else tr("Undone in part")), restored_words(shown.undo)
    return _running_words(shown) if shown.is_running else _ended_words(shown, counts)


def _running_words(shown: ShownRun) -> tuple[str, str]:
    held, progress = shown.view.held, shown.progress
    if held == "stopping":
        return tr("Stopping"), tr("servers in progress are finished, no others are started")
    if held == "paused":
        return tr("Paused"), tr("servers in progress are finished, no others are started")
    if not progress.wave:
        return tr("Checking the servers again"), tr("nothing is changed yet")
    wave = tr("Wave {wave} of {waves}", wave=progress.wave, waves=progress.waves)
    if progress.wave == 2:
        return wave, tr("canary of {n} passed", n=f"{progress.canary:,}")
    if progress.waves == 2:
        return wave, tr("canary of {n}; the others follow when it is online", n=f"{progress.canary:,}")
    return wave, ""


def _ended_words(shown: ShownRun, counts: Counter[str]) -> tuple[str, str]:
    progress = shown.progress
    if progress.wave == 1 and progress.waves == 2 and counts[Group.FAILED]:
        return tr("Stopped after the canary"), tr("it failed, so the other servers were left unchanged")
    parts = [plural("{n} failed", "{n} failed", counts[Group.FAILED])] if counts[Group.FAILED] else []
    parts += [tr("{n} not tried", n=f"{counts[Group.WAITING]:,}")] if counts[Group.WAITING] else []
    return (tr("Ended") if shown.state.finished else tr("Interrupted")), " · ".join(parts)


def end_words(counts: Counter[str]) -> str:
    """Return the outcome of a run as a sentence."""
    online, failed = counts[Group.ONLINE], counts[Group.FAILED]
    if not failed:
        return plural("{n} server is online", "{n} servers are online", online)
    return plural(
        "{n} server is online, {failed} failed",
        "{n} servers are online, {failed} failed",
        online,
        failed=f"{failed:,}",
    )


def restored_words(undo: State) -> str:
    restored, of = sum(host.is_restored for host in undo.hosts.values()), len(undo.hosts)
    return tr("{done} of {total} servers restored", done=f"{restored:,}", total=f"{of:,}")
