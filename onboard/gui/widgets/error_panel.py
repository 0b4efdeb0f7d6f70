"""An error shown where it occurred: what failed, why, and what to do, with a button to copy it all."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QAbstractButton, QBoxLayout, QFrame, QHBoxLayout, QSizePolicy, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.text import say, tr
from onboard.gui.theme import S4, S8, S12, S16, Role
from onboard.gui.widgets.banner import place_buttons
from onboard.gui.widgets.column import Column
from onboard.gui.widgets.copy_button import CopyButton
from onboard.gui.widgets.label import Glyph, Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.verbatim import Commands
from onboard.model.errors import Problem
from onboard.model.events import RunFailed
from onboard.model.words import Remedy
from onboard.wizard.finding_words import sentence

SHOWN = 8  # mistakes shown; Copy has all of them


class ErrorPanel(QFrame):
    """Shows the parts of an OnboardError or a RunFailed and its mistakes. Hidden until there is an error."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setProperty("card", "bad")
        self._lines: tuple[str, ...] = ()
        self._failure: RunFailed | None = None
        self._what = Label(role=Role.STRONG, wrap=True, selectable=True)
        self._mistakes = Label(wrap=True, selectable=True)
        self._why = Label(wrap=True, selectable=True)
        self._remedy = Label(wrap=True, selectable=True)
        self._commands = Commands(tr("To fix"))
        self._copy = CopyButton(tr("&Copy"), self.copied_text)
        texts = Column()
        texts.setSpacing(S4)
        for part in (self._what, self._mistakes, self._why, self._remedy, self._commands):
            texts.addWidget(part)
        name_parts(why=self._why, remedy=self._remedy, copy=self._copy)
        self._buttons = QHBoxLayout()
        self._buttons.setSpacing(S8)
        self._buttons.addWidget(self._copy)
        said = QHBoxLayout()
        said.setSpacing(S12)
        said.addWidget(Glyph(Mark.BAD.glyph, Mark.BAD.tone, word=tr("Problem")), 0, Qt.AlignmentFlag.AlignTop)
        said.addLayout(texts, 1)
        self._row = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._row.setContentsMargins(S16, S12, S16, S12)
        self._row.setSpacing(S12)
        self._row.addLayout(said, 1)
        self._row.addLayout(self._buttons)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.hide()

    def show_error(
        self, what: str, *, where: str = "", why: str = "", remedy: str = "", problems: Sequence[Problem] = ()
    ) -> None:
        """Show an error, replacing the previous one. A single mistake is shown itself rather than "1 mistake".

        Each command of a `Remedy` has its own button to copy it.
        """
        if len(problems) == 1:
            (only,) = problems
            what, remedy, problems = f"{only.key}: {only.problem}", remedy or only.remedy, ()
        head = f"{where}: {what}" if where and where not in what else sentence(what)
        why = sentence(why)
        given = Remedy.of(remedy)
        words = say(given.words)
        commands, remedy = given.commands, f"{words}:" if given.commands and words else words
        mistakes = [f"• {problem}" for problem in problems]
        self._failure = None
        self._lines = tuple(part for part in (head, *mistakes, why, remedy, *commands) if part)
        shown = mistakes[:SHOWN]
        if len(mistakes) > SHOWN:
            shown.append(tr("… and {n} more; Copy has all of them", n=len(mistakes) - SHOWN))
        for label, text in (
            (self._what, head),
            (self._mistakes, "\n".join(shown)),
            (self._why, why),
            (self._remedy, remedy),
        ):
            label.setText(text)
            label.setVisible(bool(text))
        self._commands.set_commands(commands)
        self._copy.rest()
        self.setAccessibleName(self.copied_text())
        self.show()

    def show_failure(self, failure: RunFailed | None) -> None:
        """Show why a command failed; hide the panel if it did not. The same failure again changes nothing."""
        if failure is None:
            self.clear()
        elif failure != self._failure:
            self.show_error(
                say(failure.words.sentence),
                where=failure.where,
                why=failure.why,
                remedy=failure.words.remedy,
                problems=failure.problems,
            )
            self._failure = failure

    def clear(self) -> None:
        self._lines = ()
        self._failure = None
        self.hide()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        place_buttons(self._row, self._buttons, self.width())
        self._fit()

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:  # its text, buttons or fonts changed
            self._fit()
        return done

    def _fit(self) -> None:
        """Claim the height of the lines: if space is short, a layout would squeeze wrapped ones."""
        self.setMinimumHeight(max(self.heightForWidth(self.width()), 0))  # -1: there is no text yet

    def add_button(self, button: QAbstractButton) -> None:
        """Add a button for something else to do, before Copy."""
        self._buttons.insertWidget(self._buttons.count() - 1, button)

    def copied_text(self) -> str:
        return "\n".join(self._lines)
