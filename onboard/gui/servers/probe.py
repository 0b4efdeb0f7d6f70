"""Test one server: shows each stage of the connection, its result, and what to do."""

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QGridLayout, QVBoxLayout, QWidget

from onboard.gui.servers.sheet import Sheet
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.theme import S4, S12, S16, Role
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.copy_button import CopyButton
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.label import Glyph, Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.verbatim import Commands
from onboard.model import orders
from onboard.model.events import CONNECTION_STAGES, ConnectionStage
from onboard.model.profile import Host
from onboard.wizard.draft import with_only

_MARKS = {"passed": Mark.DONE, "failed": Mark.BAD, "skipped": Mark.SKIPPED}


class ProbeSheet(Sheet):
    """Starts the test at once. Closing the dialog stops a running test."""

    def __init__(self, parent: QWidget | None, session: Session, host: Host) -> None:
        super().__init__(
            parent,
            tr("Test {name}", name=host.name),
            tr("{place}, credential {name}", place=host.place, name=host.credential),
            leave=tr("&Close"),
            letters=80,
        )
        self._session = session
        self._host = host
        self._lines = {stage: _Line(title) for stage, title in _titles().items()}
        grid = QGridLayout()
        grid.setHorizontalSpacing(S12)
        grid.setVerticalSpacing(S16)
        grid.setColumnStretch(2, 1)
        for row, line in enumerate(self._lines.values()):
            line.place(grid, row)
        self._busy = BusyIndicator()
        self._busy.cancelled.connect(lambda: session.orders.stop_now("probe"))
        self._error = ErrorPanel()
        self.body.addLayout(grid)
        self.body.addWidget(self._error)
        self.body.addStretch()
        self.body.addWidget(self._busy)
        self.again = Button(tr("&Test again"), icon="refresh")
        self.again.clicked.connect(self.run)
        self.copy_button = CopyButton(tr("C&opy"), self.copied_text)
        self.left.addWidget(self.again)
        self.left.addWidget(self.copy_button)
        session.commands.states_changed.connect(self._states_changed)
        session.orders.running_changed.connect(self._show)
        self.run()

    @Slot()
    def run(self) -> None:
        profile = with_only(self._session.view.draft, {self._host.name})
        self._session.commands.run(orders.Probe(host=self._host.name), profile=profile)
        self._busy.start(tr("Connecting to {name}", name=self._host.name))
        self._show()

    @Slot(str, set)
    def _states_changed(self, command: str, hosts: set[str]) -> None:
        if command == "probe":
            self._show()

    @Slot()
    def _show(self) -> None:
        state = self._session.view.state("probe")
        told = {stage.stage: stage for stage in state.connection.get(self._host.name, ())}
        ended = state.finished or state.failure is not None
        waiting = next((stage for stage in CONNECTION_STAGES if stage not in told), "")
        for stage, line in self._lines.items():
            line.show_stage(told.get(stage), waited_for=stage == waiting, ended=ended)
        if ended:
            self._busy.stop()
        self.again.setEnabled(ended)
        self.copy_button.setEnabled(bool(told) or state.failure is not None)
        self._error.show_failure(state.failure)

    def copied_text(self) -> str:
        lines = [f"{self._host.name} ({self._host.place})"]
        lines += [text for line in self._lines.values() if (text := line.text())]
        if self._error.copied_text():
            lines.append(self._error.copied_text())
        return "\n".join(lines)

    def done(self, result: int) -> None:
        if "probe" in self._session.view.ordered:
            self._session.orders.stop_now("probe")
        self._busy.stop()
        self._session.commands.states_changed.disconnect(self._states_changed)
        self._session.orders.running_changed.disconnect(self._show)
        super().done(result)


class _Line:
    """A stage's glyph, name, outcome, detail and remedy."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._stage: ConnectionStage | None = None
        self._glyph = Glyph(Mark.TODO.glyph, Mark.TODO.tone)
        self._outcome = Label(role=Role.STRONG, wrap=True)
        self._detail = Label(tone="muted", wrap=True, selectable=True)
        self._remedy = Label(wrap=True, selectable=True)
        self._commands = Commands(tr("To fix"))
        self._time = Label(tone="muted", role=Role.CAPTION)

    def place(self, grid: QGridLayout, row: int) -> None:
        texts = QVBoxLayout()
        texts.setSpacing(S4)
        for part in (self._outcome, self._detail, self._remedy, self._commands):
            texts.addWidget(part)
        texts.addStretch()
        glyph = QVBoxLayout()
        glyph.addWidget(self._glyph)
        glyph.addStretch()
        name, time = QVBoxLayout(), QVBoxLayout()
        name.addWidget(Label(self._title))
        time.addWidget(self._time)
        for column in (name, time):
            column.addStretch()
        grid.addLayout(glyph, row, 0)
        grid.addLayout(name, row, 1)
        grid.addLayout(texts, row, 2)
        grid.addLayout(time, row, 3)

    def show_stage(self, stage: ConnectionStage | None, *, waited_for: bool, ended: bool) -> None:
        """`waited_for`: the first stage without a result; `ended`: no more results will come."""
        self._stage = stage
        if stage is not None:
            mark, word = _MARKS[stage.outcome], _word(stage.outcome)
        elif ended:
            mark, word = Mark.SKIPPED, tr("no result")
        elif waited_for:
            mark, word = Mark.WAITING, tr("waiting…")
        else:
            mark, word = Mark.TODO, tr("to do")
        self._glyph.set_mark(mark, word)
        self._outcome.setText(word)
        self._outcome.set_tone(mark.tone)
        commands = stage.words.commands if stage else ()
        advice = stage.words.remedy_words if stage else ""
        for label, text in (
            (self._detail, stage.detail if stage else ""),
            (self._remedy, f"{advice}:" if advice and commands else advice),
        ):
            label.setText(text)
            label.setVisible(bool(text))
        self._commands.set_commands(commands)
        reached = stage is not None and stage.outcome != "skipped"
        self._time.setText(tr("{seconds} s", seconds=f"{stage.seconds:.1f}") if stage and reached else "")

    def text(self) -> str:
        if self._stage is None:
            return ""
        parts = (self._stage.detail, self._stage.remedy)
        said = ". ".join(part.rstrip(".") for part in parts if part)
        return f"{self._title}: {_word(self._stage.outcome)}" + (f". {said}" if said else "")


def _word(outcome: str) -> str:
    return {"passed": tr("passed"), "failed": tr("failed"), "skipped": tr("not tried")}.get(outcome, outcome)


def _titles() -> dict[str, str]:
    titles = (tr("Name"), tr("Port"), tr("Identity"), tr("Log-in"), tr("Privilege"))
    return dict(zip(CONNECTION_STAGES, titles, strict=True))
