"""Shows unexpected exceptions in one dialog, with a report to save or copy, and lets the session continue."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QObject, QStandardPaths, QTimer
from PySide6.QtGui import QGuiApplication, QShowEvent
from PySide6.QtWidgets import QApplication, QFileDialog, QMainWindow, QWidget
from shiboken6 import isValid

from onboard.defects import keep_defect, stack_of
from onboard.files import write_private
from onboard.gui.defect_report import Seen, file_name, report_of
from onboard.gui.servers.sheet import Sheet
from onboard.gui.text import plural, tr
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.text_view import TextView
from onboard.model.errors import OnboardError

QUIET = 10.0  # seconds without a defect before the same one is shown again after Continue
REPAINT = 250  # milliseconds between updates of the count
MOST = 50  # different defects that are kept
LINES = 14  # of the report, visible at once


class DefectTeller(QObject):
    """Collects defects and shows all of them in one dialog, however often and wherever they are raised."""

    def __init__(self, parent: QObject | None = None, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(parent)
        self._clock = clock
        self._defects: dict[str, Seen] = {}
        self._untold = 0
        self._log = ""
        self._dialog: DefectDialog | None = None
        self._opener = QTimer(self)  # never from within the raising code, which may be a paint event
        self._opener.setSingleShot(True)
        self._opener.timeout.connect(self._open)
        self._counter = QTimer(self)
        self._counter.setSingleShot(True)
        self._counter.setInterval(REPAINT)
        self._counter.timeout.connect(self._count)

    @property
    def dialog(self) -> "DefectDialog | None":
        """The open dialog, or None."""
        return self._dialog if self._dialog is not None and isValid(self._dialog) else None

    def tell(self, error: BaseException) -> None:
        """Record and show the defect. Raises nothing, because it replaces Python's own exception hook."""
        try:
            self._take(error)
        except Exception as again:  # noqa: BLE001 - its own defect must not hide the one it is about
            _say(f"A defect in Onboard: {type(error).__name__}; it could not be shown: {type(again).__name__}")

    def wait(self) -> None:
        """Show the dialog and wait until it is closed, where no event loop runs."""
        self._opener.stop()
        self._open()
        if self.dialog is not None:
            self.dialog.exec()

    def report(self) -> str:
        return report_of(self._defects.values(), self._untold)

    def _take(self, error: BaseException) -> None:
        is_news = self._note(error)
        if self.dialog is None:
            if is_news:
                self._opener.start()
        elif not self._counter.isActive():
            self._counter.start()

    def _note(self, error: BaseException) -> bool:
        """Count the defect. Return whether the user has to be shown it."""
        stack, now = stack_of(error), self._clock()
        known = self._defects.get(stack)
        if known is not None:
            is_news = now - known.last >= QUIET
            known.times, known.last = known.times + 1, now
            return is_news
        if len(self._defects) >= MOST:
            self._untold += 1
            return False
        self._defects[stack] = Seen(stack, datetime.now(UTC), now)
        self._keep(error)
        return True

    def _keep(self, error: BaseException) -> None:
        try:
            told = keep_defect(error)
        except (OSError, OnboardError) as refused:
            _say(f"A defect in Onboard: {type(error).__name__}; it could not be saved: {refused}")
            return
        self._log = told.remedy
        _say(str(told))

    def _open(self) -> None:
        if self.dialog is not None:
            return
        self._dialog = DefectDialog(_window(), self.report, self._log)
        self._dialog.finished.connect(self._gone)
        self._count()
        self._dialog.show()

    def _gone(self) -> None:
        self._dialog = None
        self._counter.stop()

    def _count(self) -> None:
        if self.dialog is not None:
            self.dialog.show_count(sum(defect.times for defect in self._defects.values()) + self._untold)


class DefectDialog(Sheet):
    """`report`: returns the current report. `log`: says where it is saved already; "" if it could not be."""

    def __init__(self, parent: QWidget | None, report: Callable[[], str], log: str = "") -> None:
        kept = tr("Your profile is safe; you can continue.")
        super().__init__(
            parent,
            tr("Something went wrong in Onboard itself"),
            kept,
            primary=tr("C&ontinue"),
            letters=76,
        )
        self.setModal(True)
        self._report = report
        self.leave.hide()
        self.often = Label(wrap=True)
        self.often.hide()
        note = tr("The report says where in the program it happened. It contains no names, addresses or secrets.")
        self.told = Banner(Mark.DONE, "")
        self.told.hide()
        self.details = TextView(tr("The report"))
        self.details.hide()
        self.save = Button(tr("&Save report…"), icon="save")
        self.copy = Button(tr("&Copy"), icon="copy")
        self.more = Button(tr("Show &details"))
        self.save.clicked.connect(self._choose_file)
        self.copy.clicked.connect(self._copy)
        self.more.clicked.connect(self._turn_details)
        for button in (self.save, self.copy, self.more):
            self.left.addWidget(button)
        self.body.addWidget(self.often)
        self.body.addWidget(Label(note, wrap=True))
        if log:
            self.body.addWidget(Label(f"{log}.", tone="muted", wrap=True, selectable=True))
        self.body.addWidget(self.told)
        self.body.addWidget(self.details, 1)
        self.setAccessibleDescription(f"{kept} {note}")

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self.primary.setFocus()

    def show_count(self, times: int) -> None:
        self.often.setText(plural("It happened once.", "It happened {n} times since the start.", times))
        if times > 1 and self.often.isHidden():
            self.often.show()
            self._fit(self.height())

    def save_report(self, file: Path) -> None:
        """Ask where to save the report, and write it. Errors are shown in the dialog."""
        try:
            write_private(file, self._report())
        except OnboardError as error:
            then = " ".join(f"{part}." for part in (error.where, error.why, error.remedy) if part)
            self._say(Mark.BAD, f"{error.what}.", then)
        except Exception as error:  # noqa: BLE001 - must not be reported as one more defect
            self._say(Mark.BAD, tr("The report could not be saved: {kind}.", kind=type(error).__name__), tr("Copy it."))
        else:
            self._say(Mark.DONE, tr("The report is saved in {file}.", file=file))

    def _say(self, mark: Mark, what: str, then: str = "") -> None:
        self.told.show_notice(mark, what, then)
        self.told.show()
        self._fit(self.height())

    def _choose_file(self) -> None:
        documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
        proposed = Path(documents, file_name(datetime.now()))  # noqa: DTZ005 - the user's own time
        name, _ = QFileDialog.getSaveFileName(self, tr("Save the report"), str(proposed), tr("Text files (*.txt)"))
        if name:
            self.save_report(Path(name))

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._report())
        self._say(Mark.DONE, tr("The report is copied."))

    def _turn_details(self) -> None:
        shown = self.details.isHidden()
        self.details.set_text(self._report())
        self.details.setMinimumHeight(self.details.fontMetrics().lineSpacing() * LINES)
        self.details.setVisible(shown)
        self.more.setText(tr("Hide &details") if shown else tr("Show &details"))
        self._fit()

    def _fit(self, least: int = 0) -> None:
        """Resize to the height that the text needs at this width."""
        layout = self.layout()
        if layout is not None and self.isVisible():
            layout.activate()
            self.resize(self.width(), max(least, layout.totalHeightForWidth(self.width())))


def _window() -> QWidget | None:
    """Return the wizard's own window. A dialog over it may close, and would take this one with it."""
    windows = (widget for widget in QApplication.topLevelWidgets() if isinstance(widget, QMainWindow))
    return next((window for window in windows if window.isVisible()), None)


def _say(line: str) -> None:
    if sys.stderr is not None:  # a windowed program may have none
        sys.stderr.write(f"{line}\n")
