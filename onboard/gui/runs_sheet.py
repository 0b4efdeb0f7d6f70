"""Earlier runs of this computer: choose one to see it on Finish as it ended, or save its report."""

from pathlib import Path

from PySide6.QtCore import QModelIndex, Slot
from PySide6.QtWidgets import QCheckBox, QWidget

from onboard.gui.dialogs import report_path
from onboard.gui.models.runs import ENDED, RunsModel
from onboard.gui.servers.sheet import Sheet
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.theme import Theme
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.cells import StatusCell
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.tips import set_tip
from onboard.model import orders
from onboard.model.changes import CHANGING
from onboard.model.events import KeptRun

ROWS = 10  # that are shown at least


class RunsSheet(Sheet):
    """Once accepted, `chosen` is the run to show."""

    def __init__(self, parent: QWidget | None, session: Session) -> None:
        super().__init__(
            parent,
            tr("Earlier runs"),
            tr("Runs on this computer. Show an installation to see how it ended, resume it or undo it."),
            primary=tr("Sho&w"),
            leave=tr("&Close"),
            letters=170,
        )
        self.chosen: KeptRun | None = None
        self._session = session
        self._written: Path | None = None
        self._save = Button(tr("Save &report…"))
        self._save.clicked.connect(self._save_report)
        self.left.addWidget(self._save)
        self.only_own = QCheckBox(tr("&Only runs of the open profile"))
        self.only_own.setVisible(session.view.path is not None)
        self.only_own.toggled.connect(self._show_runs)
        self._model = RunsModel(self)
        self.table = DataTable(tr("Earlier runs"))
        self.table.setSelectionMode(DataTable.SelectionMode.SingleSelection)
        self.table.set_cell(ENDED, StatusCell())
        self.table.setModel(self._model)
        self.table.setMinimumHeight(Theme.current().row_height() * (ROWS + 1))
        self.table.picked.connect(self._show_selection)
        self.table.activated.connect(self._show_row)
        self._about = Label("", tone="muted", wrap=True, selectable=True)
        self._report = Banner(Mark.DONE, "")
        self._report.hide()
        self._error = ErrorPanel()
        for widget in (self.only_own, self._report, self._error):
            self.body.addWidget(widget)
        self.body.addWidget(self.table, 1)
        self.body.addWidget(self._about)
        session.commands.states_changed.connect(self._states_changed)
        session.orders.running_changed.connect(self._show_selection)
        self._show_runs()
        self.table.setFocus()

    # Showing them

    @Slot()
    def _show_runs(self) -> None:
        view = self._session.view
        state, path = view.state("runs"), str(view.path or "")
        own = self.only_own.isChecked()
        self._model.show([run for run in state.runs if not own or run.path == path])
        if not state.finished:
            self.table.set_empty(tr("Reading the journal…"))
        else:
            self.table.set_empty(tr("No runs yet"), tr("Checks, plans and installations are listed here."))
        if not self.table.selected_keys() and self._model.rowCount():
            self.table.selectRow(0)
        self.table.fit_columns()
        self._show_selection()

    def _selected(self) -> KeptRun | None:
        keys = self.table.selected_keys()
        return self._model.run(keys[0]) if keys else None

    @Slot()
    def _show_selection(self) -> None:
        run = self._selected()
        why_not = _why_not(run, self._session)
        self.primary.setEnabled(run is not None and not why_not)
        set_tip(self.primary, why_not)
        self._save.setEnabled(run is not None and not self._is_changing)
        about = " · ".join(part for part in (tr("Run {run}", run=run.run), run.arn, run.path) if part) if run else ""
        self._about.setText(f"{about}\n{why_not}" if why_not else about)

    @property
    def _is_changing(self) -> bool:
        return self._session.view.running in CHANGING

    @Slot(str, set)
    def _states_changed(self, command: str) -> None:
        if command == "runs":
            self._show_runs()
        elif command == "report":
            self._show_report()

    # What is chosen

    @Slot(QModelIndex)
    def _show_row(self) -> None:
        if self.primary.isEnabled():
            self.accept()

    def accept(self) -> None:
        self.chosen = self._selected()
        super().accept()

    # The report

    @Slot()
    def _save_report(self) -> None:
        run = self._selected()
        path = report_path(self, run.run) if run else None
        if run is not None and path is not None:
            self._written = path
            self._report.hide()
            suffix = path.suffix.lower().removeprefix(".")
            self._session.commands.run(orders.Report(run=run.run, format=suffix, file=str(path)))

    def _show_report(self) -> None:
        state = self._session.view.state("report")
        if not state.finished or self._written is None:
            return
        self._error.show_failure(state.failure)
        if state.failure is None:
            self._report.show_notice(Mark.DONE, tr("The report was saved"), str(self._written))
            self._report.show()
        self._written = None


def _why_not(run: KeptRun | None, session: Session) -> str:
    """Return why the run cannot be shown now; "" if it can."""
    view = session.view
    if run is None:
        return ""
    if run.command != "apply" and not run.undoes:
        return tr("This run changed no server. Save its report to see what it found.")
    if view.running in CHANGING:
        return tr("Servers are being changed now. Wait until that run has ended.")
    path = Path(run.path)
    if run.path == str(view.path or "") or (path.is_absolute() and path.is_file()):
        return ""
    command = f"onboard undo {run.undoes or run.run}"
    if run.path:
        return tr(
            "Its profile {path} was not found. To undo the run, enter in a terminal: {command}",
            path=path,
            command=command,
        )
    return tr("Its profile was never saved. To undo the run, enter in a terminal: {command}", command=command)
