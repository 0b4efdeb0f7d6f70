"""What the page Install shows: the run, its plan, and the steps of its servers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onboard.model.plan import Plan
from onboard.model.state import State
from onboard.wizard import stages
from onboard.wizard.log import Log
from onboard.wizard.progress import Progress, steps_of
from onboard.wizard.view import EMPTY, View

_NO_LOG = Log()


@dataclass(frozen=True, slots=True)
class ShownRun:
    """Read from a view: the run, its undo, and the plan that is ready to be installed."""

    view: View

    @property
    def is_running(self) -> bool:
        return self.view.running == "apply"

    @property
    def offers_install(self) -> bool:
        """Whether there is a plan that has not been installed yet and can be now."""
        return self.view.running not in ("apply", "undo", "plan") and stages.has_new_plan(self.view)

    @property
    def is_to_plan(self) -> bool:
        """Whether a new plan is needed because the run was undone."""
        return self.view.is_undone and not self.view.running and not self.offers_install

    @property
    def state(self) -> State:
        return stages.run_to_show(self.view)

    @property
    def undo(self) -> State:
        """The undo of the run that is shown."""
        return self.view.undo if self.state.run else EMPTY

    @property
    def progress(self) -> Progress:
        return self.view.progress("apply")

    @property
    def plan(self) -> Plan | None:
        """The plan that is ready to be installed, or that the run shown installed; None once it is out of date."""
        return None if self.view.outdated_by("plan") == "undo" else self.view.state("plan").plan

    @property
    def to_install(self) -> int:
        """Number of servers of the plan."""
        return len(self.plan.hosts) if self.plan else 0

    @property
    def log(self) -> Log:
        """The log of what was last done to the servers shown."""
        if self.state is EMPTY:
            return _NO_LOG
        return self.view.log("apply" if self.undo is EMPTY else "undo")

    @property
    def sources(self) -> tuple[object, ...]:
        """What `steps` and the rows of servers are built from; rebuilt when any of these is a different object."""
        return self.state, self.progress.steps, self.plan, self.undo

    def steps(self) -> Mapping[str, Sequence[str]]:
        """Server → names of its steps, in the order of the draft: those of the run, or those planned for it."""
        plan, of_run = self.plan, {} if self.state is EMPTY else self.progress.steps
        steps: dict[str, Sequence[str]] = {name: named for name, named in of_run.items() if named or plan is None}
        if plan is not None:
            steps |= {one.host: steps_of(one) for one in plan.hosts if one.host not in steps}
        names = (host.name for host in self.view.draft.hosts)
        return {name: steps[name] for name in names if name in steps} | steps
