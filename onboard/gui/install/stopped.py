"""Why a run stopped, and the buttons that resume it."""

from PySide6.QtCore import Signal, Slot

from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.text import tr, when
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.mark import Mark
from onboard.model.changes import FailureKind
from onboard.model.events import KeptRun, RunFailed
from onboard.wizard.interrupted import interrupted


class InterruptedBanner(Banner):
    """Offers to resume a run that an earlier process of Onboard left unfinished."""

    def __init__(self, session: Session) -> None:
        super().__init__(Mark.WARN, "")
        self._session = session
        self._run: KeptRun | None = None
        resume = Button(tr("Res&ume"))
        resume.clicked.connect(self._resume)
        name_parts(interrupted=self, resume_interrupted=resume)
        self.add_button(resume)
        self.hide()

    @property
    def has_run(self) -> bool:
        return self._run is not None

    def refresh(self) -> None:
        view = self._session.view
        self._run = None if view.running == "apply" else interrupted(view)
        self.setVisible(self._run is not None)
        if self._run is not None:
            then = tr(
                "Started {when}: {online} of {total} servers came online. Nothing was lost: resume to continue "
                "with the others.",
                when=when(self._run.started),
                online=f"{self._run.proven:,}",
                total=f"{self._run.servers:,}",
            )
            self.show_notice(Mark.WARN, tr("A run was interrupted"), then)

    @Slot()
    def _resume(self) -> None:
        if self._run is not None:
            self._session.commands.resume(self._run.run)


class FailurePanel(ErrorPanel):
    """Shows why the run ended. Its buttons resume the run, or lead to the plan that it would have exceeded."""

    resumed = Signal()
    review_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._resume = Button(tr("Res&ume"))
        self._resume.clicked.connect(self.resumed)
        self._review = Button(tr("&Look at the plan"))
        self._review.clicked.connect(self.review_wanted)
        name_parts(failure=self, resume=self._resume, review=self._review)
        self.add_button(self._resume)
        self.add_button(self._review)

    def show_end(self, failure: RunFailed | None, *, can_resume: bool) -> None:
        if failure is not None:
            self._resume.setVisible(failure.kind != FailureKind.PLAN and can_resume)
            self._review.setVisible(failure.kind == FailureKind.PLAN)
        self.show_failure(failure)
