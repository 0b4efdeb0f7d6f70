"""The stages: one readable list, what each needs, and what blocks it. No Qt, no I/O."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from onboard.model.status import HostStatus
from onboard.wizard import regions
from onboard.wizard.checked import sentence, status_of
from onboard.wizard.interrupted import interrupted
from onboard.wizard.moments import when
from onboard.wizard.view import View


class Mark(StrEnum):
    """How far a stage is."""

    DONE = "done"
    ATTENTION = "attention"
    TODO = "todo"


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage at one moment. `words` say what is open or deserves a look; "" when nothing does."""

    mark: Mark
    words: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """`needs`: names of stages that must be done before this one can be visited; `judge` is pure."""

    name: str
    title: str
    judge: Callable[[View], Standing]
    needs: tuple[str, ...] = ()


def _start(view: View) -> Standing:
    return Standing(Mark.DONE)


def _account(view: View) -> Standing:
    state = view.state("account")
    if state.failure:
        return Standing(Mark.ATTENTION, sentence(state.failure.what))
    if state.account is None:
        return Standing(Mark.TODO, "Find out which AWS account this is")
    if state.account.missing:
        return Standing(Mark.ATTENTION, f"Permissions are missing: {', '.join(state.account.missing)}")
    return Standing(Mark.DONE)


def _servers(view: View) -> Standing:
    if not view.draft.hosts:
        return Standing(Mark.TODO, "Add at least one server")
    missing = sorted({host.credential for host in view.draft.hosts} - set(view.draft.credentials))
    if missing:
        return Standing(Mark.TODO, f"Say how to log in: credential {', '.join(missing)}")
    statuses = Counter(host.status for host in view.state("trust").hosts.values())
    unknown = statuses[HostStatus.UNTRUSTED]
    if unknown:
        servers = "1 server has" if unknown == 1 else f"{unknown} servers have"
        return Standing(Mark.ATTENTION, f"{servers} no approved key: left out")
    return Standing(Mark.DONE)


def _region(view: View) -> Standing:
    chosen = view.draft.region.name
    if not chosen:
        return Standing(Mark.TODO, "Choose a Region")
    found = regions.known(view)
    if found is None:
        return Standing(Mark.DONE)
    farther = regions.farther(view)
    if farther == inf:
        return Standing(Mark.ATTENTION, f"{chosen} did not answer")
    if farther:
        return Standing(Mark.ATTENTION, f"{found.recommended} is {farther:.0f} ms nearer than {chosen}")
    return Standing(Mark.DONE, f"Measured {when(found.date)[0]}" if found.date else "")


def _role(view: View) -> Standing:
    state = view.state("preview")
    role = state.role
    if state.failure:
        return Standing(Mark.ATTENTION, sentence(state.failure.what))
    if role is None:
        return Standing(Mark.TODO)
    if role.problems:
        return Standing(Mark.ATTENTION, role.problems[0])
    return Standing(Mark.ATTENTION, role.warnings[0]) if role.warnings else Standing(Mark.DONE)


def _activation(view: View) -> Standing:
    room = view.state("preview").headroom
    if room is None:
        return Standing(Mark.TODO)
    if not room.fits:
        return Standing(Mark.ATTENTION, f"{room.adding} more nodes do not fit into the {room.tier} tier")
    return Standing(Mark.DONE)


def _network(view: View) -> Standing:
    return Standing(Mark.DONE if view.draft.hosts and view.draft.region.name else Mark.TODO)


def _checks(view: View) -> Standing:
    if view.running == "check":
        return Standing(Mark.TODO, "Checks are running")
    state, fixes = view.state("check"), view.draft.run.fixes
    known = (state.hosts.get(host.name) for host in view.draft.hosts)
    judged = [status_of(host, fixes) for host in known if host is not None and host.finished]
    if state.failure and not judged:
        return Standing(Mark.ATTENTION, sentence(state.failure.what))
    if not judged:
        return Standing(Mark.TODO, "Run the checks")
    able = sum(status is not None and status.is_well for status in judged)
    left = len(judged) - able
    if not able:
        return Standing(Mark.TODO, "No server can be onboarded yet")
    if left:
        return Standing(Mark.ATTENTION, f"{left} blocked {'server' if left == 1 else 'servers'} will be left out")
    return Standing(Mark.DONE)


def _review(view: View) -> Standing:
    state = view.state("plan")
    if view.running == "plan":
        return Standing(Mark.TODO, "The plan is being made")
    if state.failure:
        return Standing(Mark.ATTENTION, sentence(state.failure.what))
    if state.plan is None:
        return Standing(Mark.TODO, "Make the plan")
    return Standing(Mark.ATTENTION, state.plan.warnings[0]) if state.plan.warnings else Standing(Mark.DONE)


def _install(view: View) -> Standing:
    if view.running == "apply":
        return Standing(Mark.TODO, "You can close this window: the run stops cleanly and can be resumed")
    state = view.state("apply")
    if interrupted(view):
        return Standing(Mark.TODO, "A run was interrupted; resume it")
    if not state.run:
        return Standing(Mark.TODO, "Nothing was installed yet")
    if state.failure:
        return Standing(Mark.ATTENTION, sentence(state.failure.what))
    if not state.finished:
        return Standing(Mark.ATTENTION, "The run was broken off; resume it")
    failed = sum(host.status is HostStatus.FAILED for host in state.hosts.values())
    return Standing(Mark.ATTENTION, f"{failed} failed") if failed else Standing(Mark.DONE)


def _finish(view: View) -> Standing:
    return Standing(Mark.DONE if view.state("apply").finished else Mark.TODO)


STAGES: tuple[Stage, ...] = (
    Stage("start", "Start", _start),
    Stage("account", "Account", _account),
    Stage("servers", "Servers", _servers),
    Stage("region", "Region", _region),
    Stage("role", "Role", _role, needs=("account", "region")),
    Stage("activation", "Activation", _activation, needs=("account", "region")),
    Stage("network", "Network", _network),
    Stage("checks", "Checks", _checks, needs=("servers", "region")),
    Stage("review", "Review", _review, needs=("account", "servers", "region", "checks")),
    Stage("install", "Install", _install, needs=("review",)),
    Stage("finish", "Finish", _finish, needs=("install",)),
)
BY_NAME = {stage.name: stage for stage in STAGES}


def standing(stage: Stage, view: View) -> Standing:
    """How the stage stands; looked at once for each view, since with thousands of servers that takes its time."""
    found: Standing | None = view.judged.get(stage.name)
    if found is None:
        found = view.judged[stage.name] = stage.judge(view)
    return found


def blocked_by(stage: Stage, view: View) -> str:
    """What must be done before `stage` can be visited, in words; "" when it can."""
    if stage.name == "install" and (view.state("apply").run or interrupted(view)):
        return ""  # to resume a run needs no new plan
    for name in stage.needs:
        needed = BY_NAME[name]
        found = standing(needed, view)
        if found.mark is Mark.TODO:
            return f"{needed.title}: {found.words}"
    return ""


def after(stage: Stage) -> Stage | None:
    """The next stage; None after the last."""
    index = STAGES.index(stage)
    return STAGES[index + 1] if index + 1 < len(STAGES) else None


def before(stage: Stage) -> Stage | None:
    index = STAGES.index(stage)
    return STAGES[index - 1] if index else None
