"""The stages of the wizard: their order, what each needs, and what blocks it. No Qt, no I/O."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from onboard.model.changes import CHANGING
from onboard.model.state import State
from onboard.model.status import HostStatus
from onboard.model.words import texts_of
from onboard.wizard import regions
from onboard.wizard.failures import headline
from onboard.wizard.finding_words import status_of
from onboard.wizard.interrupted import interrupted
from onboard.wizard.text import Said, Words, counted, said
from onboard.wizard.time_words import moment
from onboard.wizard.view import EMPTY, View


class Mark(StrEnum):
    """How far a stage is."""

    DONE = "done"
    ATTENTION = "attention"
    TODO = "todo"


@dataclass(frozen=True, slots=True)
class Standing:
    """A stage at one moment. `words` say what is left to do or needs attention; "" when nothing does."""

    mark: Mark
    words: Words = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """`needs`: names of stages that must be done before this one can be visited; `judge` is pure."""

    name: str
    title: Said
    judge: Callable[[View], Standing]
    needs: tuple[str, ...] = ()


def _start(view: View) -> Standing:
    return Standing(Mark.DONE)


def _account(view: View) -> Standing:
    state = view.state("account")
    if state.failure:
        return Standing(Mark.ATTENTION, headline(state.failure))
    if state.account is None:
        asking = "account" in view.ordered
        return Standing(
            Mark.TODO, said("Looking up your AWS account") if asking else said("Look up which AWS account this is")
        )
    if state.account.missing:
        return Standing(
            Mark.ATTENTION, said("Permissions are missing: {names}", names=", ".join(state.account.missing))
        )
    return Standing(Mark.DONE)


def _servers(view: View) -> Standing:
    if not view.draft.hosts:
        return Standing(Mark.TODO, said("Add at least one server"))
    missing = sorted({host.credential for host in view.draft.hosts} - set(view.draft.credentials))
    if missing:
        return Standing(Mark.TODO, said("Set up how to log in: credential {names}", names=", ".join(missing)))
    statuses = Counter(host.status for host in view.state("trust").hosts.values())
    unknown = statuses[HostStatus.UNTRUSTED]
    if unknown:
        left_out = counted(
            "{n} server has no approved key and will be left out",
            "{n} servers have no approved key and will be left out",
            unknown,
        )
        return Standing(Mark.ATTENTION, left_out)
    return Standing(Mark.DONE)


def _region(view: View) -> Standing:
    chosen = view.draft.region.name
    if not chosen:
        return Standing(Mark.TODO, said("Choose a Region"))
    found = regions.known(view)
    if found is None:
        return Standing(Mark.DONE)
    farther = regions.farther(view)
    if farther == inf:
        return Standing(Mark.ATTENTION, said("{region} did not answer", region=chosen))
    if farther:
        nearer = said(
            "{nearest} is {ms:.0f} ms nearer than {chosen}", nearest=found.recommended, ms=farther, chosen=chosen
        )
        return Standing(Mark.ATTENTION, nearer)
    return Standing(Mark.DONE, said("Measured {when}", when=moment(found.date)) if found.date else "")


def _role(view: View) -> Standing:
    state = view.state("preview")
    role = state.role
    if state.failure:
        return Standing(Mark.ATTENTION, headline(state.failure))
    if role is None:
        return Standing(_known_by_run(view))
    if role.problems:
        return Standing(Mark.ATTENTION, texts_of(role.problems, role.phrasings)[0])
    warnings = texts_of(role.warnings, role.phrasings)
    return Standing(Mark.ATTENTION, warnings[0]) if warnings else Standing(Mark.DONE)


def _known_by_run(view: View) -> Mark:
    """Done if a run used a role and activations; their current state is queried when the page is visited."""
    is_as_left = not view.is_replayed and view.undo is EMPTY
    return Mark.DONE if view.state("apply").finished and is_as_left else Mark.TODO


def _activation(view: View) -> Standing:
    room = view.state("preview").headroom
    if room is None:
        return Standing(_known_by_run(view))
    if not room.fits:
        too_many = counted(
            "{n} more node does not fit into the {tier} tier",
            "{n} more nodes do not fit into the {tier} tier",
            room.adding,
            tier=room.tier,
        )
        return Standing(Mark.ATTENTION, too_many)
    return Standing(Mark.DONE)


def _network(view: View) -> Standing:
    return Standing(Mark.DONE if view.draft.hosts and view.draft.region.name else Mark.TODO)


def _checks(view: View) -> Standing:
    if view.running == "check":
        return Standing(Mark.TODO, said("Checks are running"))
    state, fixes = view.state("check"), view.draft.run.fixes
    known = (state.hosts.get(host.name) for host in view.draft.hosts)
    ended = [status_of(host, fixes) for host in known if host is not None and host.finished]
    judged = [status for status in ended if status is not HostStatus.SKIPPED]
    if state.failure and not judged:
        return Standing(Mark.ATTENTION, headline(state.failure))
    if not judged:
        return Standing(Mark.TODO, said("Run the checks"))
    able = sum(status is not None and status.is_well for status in judged)
    left = len(judged) - able
    if not able:
        return Standing(Mark.TODO, said("No server can be onboarded yet"))
    if left:
        left_out = counted("{n} blocked server will be left out", "{n} blocked servers will be left out", left)
        return Standing(Mark.ATTENTION, left_out)
    if view.outdated_by("check") == "undo":
        return Standing(Mark.ATTENTION, said("A run has been undone since these checks"))
    if len(judged) < len(ended):
        n = len(ended) - len(judged)
        return Standing(Mark.ATTENTION, counted("{n} server was not checked", "{n} servers were not checked", n))
    return Standing(Mark.DONE)


def _review(view: View) -> Standing:
    state = view.state("plan")
    if view.running == "plan":
        return Standing(Mark.TODO, said("The plan is being made"))
    if state.failure:
        return Standing(Mark.ATTENTION, headline(state.failure))
    if state.plan is None:
        return Standing(Mark.TODO, said("Make the plan"))
    if view.outdated_by("plan") == "undo":
        return Standing(Mark.TODO, said("A run has been undone since this plan was made: make a new plan"))
    if is_plan_used_up(view):
        return Standing(Mark.DONE, said("This plan is used up"))
    warnings = state.plan.warning_texts
    return Standing(Mark.ATTENTION, warnings[0]) if warnings else Standing(Mark.DONE)


def has_new_plan(view: View) -> bool:
    """Whether there is a plan to install, and no server has been changed since it was made."""
    plan = view.state("plan").plan
    return plan is not None and bool(plan.hosts) and not view.outdated_by("plan")


def is_plan_used_up(view: View) -> bool:
    """Whether servers have been changed since the plan was made, so that it no longer describes what is left to do."""
    return view.state("plan").plan is not None and view.running not in CHANGING and bool(view.outdated_by("plan"))


def run_to_show(view: View) -> State:
    """The run that the page Install shows; EMPTY when a newer plan is ready to be installed."""
    state = view.state("apply")
    return EMPTY if state.run and has_new_plan(view) else state


def _install(view: View) -> Standing:
    if view.running == "apply":
        return Standing(Mark.TODO, said("You can close this window: the run stops cleanly and can be resumed"))
    state = view.state("apply")
    if interrupted(view):
        return Standing(Mark.TODO, said("A run was interrupted and can be resumed"))
    if state.run and has_new_plan(view):
        return Standing(Mark.TODO, said("The new plan is not installed yet"))
    if view.running == "undo":
        return Standing(Mark.TODO, said("The run is being undone"))
    if view.is_undone:
        return Standing(Mark.TODO, _undone_words(view))
    if view.undo is not EMPTY:
        left = sum(not host.is_restored for host in view.undo.hosts.values())
        return Standing(Mark.ATTENTION, counted("{n} server was not restored", "{n} servers were not restored", left))
    if not state.run and not state.failure:
        plan = view.state("plan").plan
        done = plan is not None and not plan.hosts
        return Standing(
            Mark.TODO, said("Nothing is left to install") if done else said("Nothing has been installed yet")
        )
    if state.failure:
        return Standing(Mark.ATTENTION, headline(state.failure))
    if not state.finished:
        return Standing(Mark.ATTENTION, said("The run was interrupted and can be resumed"))
    failed = sum(host.status is HostStatus.FAILED for host in state.hosts.values())
    if failed:
        return Standing(Mark.ATTENTION, counted("{n} server failed", "{n} servers failed", failed))
    return Standing(Mark.DONE, said("Installed {when}", when=moment(state.started)) if view.is_replayed else "")


def _finish(view: View) -> Standing:
    if view.running == "undo" or has_new_plan(view):
        return Standing(Mark.TODO)
    if view.is_undone:
        return Standing(Mark.TODO, _undone_words(view))
    state = view.state("apply")
    if view.is_replayed and view.running != "apply":
        return _earlier_run(view)
    return Standing(Mark.DONE if state.finished and view.undo is EMPTY else Mark.TODO)


def _earlier_run(view: View) -> Standing:
    state = view.state("apply")
    online, total = view.online, len(state.hosts)
    came = said(
        "{when}: {online} of {total} servers came online",
        when=moment(state.started),
        online=f"{online:,}",
        total=f"{total:,}",
    )
    return Standing(Mark.DONE if online == total and state.finished else Mark.ATTENTION, came)


def _undone_words(view: View) -> Said:
    if not view.is_replayed:
        return said("The run was undone")
    return said("The run started {when} was undone", when=moment(view.state("apply").started))


STAGES: tuple[Stage, ...] = (
    Stage("start", said("Start"), _start),
    Stage("account", said("Account"), _account),
    Stage("servers", said("Servers"), _servers),
    Stage("region", said("Region"), _region),
    Stage("role", said("Role"), _role, needs=("account", "region")),
    Stage("activation", said("Activation"), _activation, needs=("account", "region")),
    Stage("network", said("Network"), _network),
    Stage("checks", said("Checks"), _checks, needs=("servers", "region")),
    Stage("review", said("Review"), _review, needs=("account", "servers", "region", "checks")),
    Stage("install", said("Install"), _install, needs=("review",)),
    Stage("finish", said("Finish"), _finish, needs=("install",)),
)
BY_NAME = {stage.name: stage for stage in STAGES}

# stage → the sections of the profile that have their fields on its page
_SECTIONS = {"role": ("role.",), "activation": ("activation.",), "network": ("network.", "agent.")}


def standing(stage: Stage, view: View) -> Standing:
    """The stage's standing, computed once per view because it takes long with thousands of servers."""
    found: Standing | None = view.standings.get(stage.name)
    if found is None:
        mistake = _mistake(stage, view)
        found = Standing(Mark.ATTENTION, mistake) if mistake else stage.judge(view)
        view.standings[stage.name] = found
    return found


def _mistake(stage: Stage, view: View) -> str:
    """What is wrong in a field of the stage's page; "" if nothing is."""
    sections = _SECTIONS.get(stage.name, ())
    return next((text for key, text in view.mistakes.items() if key.startswith(sections)), "")


def blocked_by(stage: Stage, view: View) -> Stage | None:
    """The stage that must be done before `stage` can be visited; None if it can. Its standing says what is missing."""
    if stage.name == "install" and (view.state("apply").run or interrupted(view)):
        return None  # resuming a run needs no new plan
    if stage.name == "finish" and view.state("apply").run and view.running != "apply":
        return None  # its result can be seen whatever has been planned since
    needed = (BY_NAME[name] for name in stage.needs)
    return next((one for one in needed if standing(one, view).mark is Mark.TODO), None)


def after(stage: Stage) -> Stage | None:
    """The next stage; None after the last."""
    index = STAGES.index(stage)
    return STAGES[index + 1] if index + 1 < len(STAGES) else None


def before(stage: Stage) -> Stage | None:
    index = STAGES.index(stage)
    return STAGES[index - 1] if index else None
