"""The few dialogs: a secret, an error that stops everything, a defect."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QVBoxLayout,
    QWidget,
)

from onboard.gui.text import tr
from onboard.gui.widgets.tips import plain
from onboard.model import events
from onboard.model.errors import OnboardError


def ask_secret(parent: QWidget, wanted: events.SecretWanted) -> tuple[str | None, bool]:
    """Ask for a secret. Return it and whether to keep it in the system's keyring, or None if cancelled."""
    dialog = SecretDialog(parent, wanted)
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    return (dialog.value() if accepted else None), dialog.keep()


class SecretDialog(QDialog):
    """A dialog with one line that hides what is typed."""

    def __init__(self, parent: QWidget, wanted: events.SecretWanted) -> None:
        super().__init__(parent)
        self.setWindowTitle(tr("Secret needed"))
        self._line = QLineEdit()
        self._line.setEchoMode(QLineEdit.EchoMode.Password)
        self._line.setAccessibleName(wanted.question)
        self._line.setMinimumWidth(360)
        self._keep = QCheckBox(tr("&Keep it in this computer's keyring"))
        question = QLabel(plain(wanted.question.rstrip(": ")))
        question.setBuddy(self._line)
        note = QLabel(
            tr("It is sent only to AWS and is valid once.")
            if wanted.once
            else tr(
                "It is used only to log in to servers whose identity is verified, and is not stored in any of "
                "Onboard's files."
            )
        )
        note.setWordWrap(True)
        buttons = QDialogButtonBox()
        buttons.addButton(tr("&Use it"), QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.addButton(tr("&Cancel"), QDialogButtonBox.ButtonRole.RejectRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        column = QVBoxLayout(self)
        for widget in (question, self._line, self._keep, note, buttons):
            column.addWidget(widget)
        self._keep.setVisible(not wanted.once)

    def value(self) -> str | None:
        return self._line.text() or None

    def keep(self) -> bool:
        return self._keep.isChecked()


def ask(parent: QWidget, title: str, text: str, *choices: str, default: int) -> int:
    """Ask, and return the index of the choice. Esc takes the last one, which changes nothing."""
    box = QMessageBox(QMessageBox.Icon.Question, title, plain(text), parent=parent)
    roles = QMessageBox.ButtonRole
    buttons = [box.addButton(choice, roles.AcceptRole) for choice in choices[:-1]]
    buttons.append(box.addButton(choices[-1], roles.RejectRole))
    box.setDefaultButton(buttons[default])
    box.setEscapeButton(buttons[-1])
    box.exec()
    chosen = box.clickedButton()
    box.deleteLater()
    return next((number for number, button in enumerate(buttons) if button == chosen), len(buttons) - 1)


def save_path(parent: QWidget, title: str, proposed: Path, kinds: Mapping[str, str]) -> Path | None:
    """Ask where to save a file; None if cancelled. `kinds`: suffix → its filter, such as "Plans (*.json)".

    A name without one of the suffixes gets that of the chosen filter. Asks before replacing a file of that name too.
    """
    dialog = QFileDialog(parent, title, str(proposed.parent), ";;".join(kinds.values()))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.selectFile(proposed.name)
    accepted = dialog.exec() == QDialog.DialogCode.Accepted
    dialog.deleteLater()
    if not accepted:
        return None
    path = Path(dialog.selectedFiles()[0])
    if path.suffix.lower().removeprefix(".") in kinds:
        return path
    chosen = next(
        (suffix for suffix, words in kinds.items() if words == dialog.selectedNameFilter()), next(iter(kinds))
    )
    path = path.with_name(f"{path.name}.{chosen}")
    question = tr("{name} already exists. Replace it?", name=path.name)
    taken = path.exists() and ask(parent, title, question, tr("&Replace it"), tr("&Cancel"), default=1) != 0
    return None if taken else path


def report_path(parent: QWidget, run: str) -> Path | None:
    """Ask where to save a run's report; None if cancelled. The suffix gives the format: html, csv or json."""
    kinds = {
        "html": tr("Web page, to read and print (*.html)"),
        "csv": tr("Table for a spreadsheet (*.csv)"),
        "json": tr("JSON for programs (*.json)"),
    }
    return save_path(parent, tr("Save the report"), Path(f"onboard-{run}.html"), kinds)


def show_error(parent: QWidget | None, title: str, error: OnboardError) -> None:
    """Show an error in its four parts, with a button to copy it."""
    problems = [str(problem) for problem in error.problems]
    box = QMessageBox(QMessageBox.Icon.Warning, title, f"{title}. {error.what}.", parent=parent)
    rest = [error.where, error.why, error.remedy, *problems[:8]]
    if len(problems) > 8:
        rest.append(tr("… and {n} more", n=len(problems) - 8))
    box.setInformativeText("\n".join(line for line in rest if line))
    box.setEscapeButton(box.addButton(QMessageBox.StandardButton.Ok))
    copy = box.addButton(tr("&Copy"), QMessageBox.ButtonRole.ActionRole)
    copy.clicked.disconnect()
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(str(error)))
    box.exec()
    box.deleteLater()
