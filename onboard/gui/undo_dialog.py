"""The question before a run is undone: exactly what is changed, and how many. Cancel is the default."""

from PySide6.QtWidgets import QMessageBox, QWidget

from onboard.gui.text import plural, say, tr
from onboard.gui.widgets.tips import plain
from onboard.model.events import UndoShown, undo_sentences

NAMED = 6


def ask_undo(parent: QWidget, shown: UndoShown) -> bool:
    """Ask whether to undo the run."""
    box = undo_box(parent, shown)
    box.exec()
    clicked = box.clickedButton()
    agreed = clicked is not None and box.buttonRole(clicked) is QMessageBox.ButtonRole.DestructiveRole
    box.deleteLater()
    return agreed


def undo_box(parent: QWidget, shown: UndoShown) -> QMessageBox:
    servers = sorted({*shown.servers, *shown.nodes})
    title = plural("Undo this run on {n} server?", "Undo this run on {n} servers?", len(servers))
    box = QMessageBox(QMessageBox.Icon.Warning, tr("Undo"), plain(title), parent=parent)
    box.setInformativeText(plain("\n\n".join(_touched(shown))))
    box.setDetailedText("\n".join(f"{name}  {shown.nodes.get(name, '')}".rstrip() for name in servers))
    undo = plural("&Undo on {n} server", "&Undo on {n} servers", len(servers))
    box.addButton(undo, QMessageBox.ButtonRole.DestructiveRole)
    box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(QMessageBox.StandardButton.Cancel)
    box.setEscapeButton(QMessageBox.StandardButton.Cancel)
    return box


def _touched(shown: UndoShown) -> list[str]:
    lines = []
    if shown.servers:
        restored = plural(
            "{n} server is restored to its state before the run: {names}.",
            "{n} servers are restored to their state before the run: {names}.",
            len(shown.servers),
            names=_few(shown.servers),
        )
        lines.append(restored)
    if shown.nodes:
        nodes = plural(
            "{n} node is deregistered from Systems Manager: {names}.",
            "{n} nodes are deregistered from Systems Manager: {names}.",
            len(shown.nodes),
            names=_few(tuple(shown.nodes.values())),
        )
        lines.append(nodes)
    return [*lines, *map(say, undo_sentences(shown.lines))]


def _few(names: tuple[str, ...]) -> str:
    named, more = ", ".join(names[:NAMED]), len(names) - NAMED
    return plural("{names} and {n} more", "{names} and {n} more", more, names=named) if more > 0 else named
