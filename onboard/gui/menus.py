"""The menu bar, with each platform's own shortcuts."""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QUrl
from PySide6.QtGui import QAction, QActionGroup, QDesktopServices, QKeySequence
from PySide6.QtWidgets import QMainWindow, QMessageBox

from onboard.about import about
from onboard.gui.text import say, tr
from onboard.gui.theme import Scheme, Theme
from onboard.home import home
from onboard.wizard.page_help import PAGE_HELP
from onboard.wizard.stages import STAGES, Stage

SCALES = (1.0, 1.25, 1.5, 2.0)


@dataclass(frozen=True, slots=True)
class MenuActions:
    """What the menus do. `visit` takes the name of a stage, `current` returns the stage that is shown."""

    new_profile: Callable[[], None]
    choose_profile: Callable[[], None]
    save_profile: Callable[[], bool]
    save_profile_as: Callable[[], bool]
    choose_run: Callable[[], None]
    visit: Callable[[str], None]
    current: Callable[[], Stage]


def build_menus(window: QMainWindow, does: MenuActions) -> None:
    """File, View, Go, Help."""
    _file(window, does)
    _view(window)
    _go(window, does)
    _help(window, does)


def _action(window: QMainWindow, text: str, keys: QKeySequence | QKeySequence.StandardKey | str | None) -> QAction:
    action = QAction(text, window)
    if keys is not None:
        action.setShortcut(keys)
    return action


def _file(window: QMainWindow, does: MenuActions) -> None:
    menu = window.menuBar().addMenu(tr("&File"))
    standard = QKeySequence.StandardKey
    for text, keys, slot in (
        (tr("&New profile"), standard.New, does.new_profile),
        (tr("&Open…"), standard.Open, does.choose_profile),
        (tr("&Save"), standard.Save, does.save_profile),
        (tr("Save &as…"), standard.SaveAs, does.save_profile_as),
    ):
        action = _action(window, text, keys)
        action.triggered.connect(slot)
        menu.addAction(action)
    menu.addSeparator()
    leave = _action(window, tr("&Quit"), standard.Quit)
    leave.setMenuRole(QAction.MenuRole.QuitRole)
    leave.triggered.connect(window.close)
    menu.addAction(leave)


def _view(window: QMainWindow) -> None:
    menu = window.menuBar().addMenu(tr("&View"))
    theme = Theme.current()
    schemes = QActionGroup(window)
    for scheme, text in (
        (Scheme.SYSTEM, tr("&System colours")),
        (Scheme.LIGHT, tr("&Light")),
        (Scheme.DARK, tr("&Dark")),
    ):
        action = _action(window, text, None)
        action.setCheckable(True)
        action.setChecked(theme.scheme == scheme)
        action.triggered.connect(lambda _, scheme=scheme: theme.set_scheme(scheme))
        schemes.addAction(action)
        menu.addAction(action)
    menu.addSeparator()
    scales = QActionGroup(window)
    for scale in SCALES:
        action = _action(window, tr("Text {percent} %", percent=round(scale * 100)), None)
        action.setCheckable(True)
        action.setChecked(theme.text_scale == scale)
        action.triggered.connect(lambda _, scale=scale: theme.set_text_scale(scale))
        scales.addAction(action)
        menu.addAction(action)


def _go(window: QMainWindow, does: MenuActions) -> None:
    menu = window.menuBar().addMenu(tr("&Go"))
    for number, stage in enumerate(STAGES, start=1):
        keys = f"Ctrl+{number}" if number < 10 else None
        action = _action(window, say(stage.title), keys)
        action.triggered.connect(lambda _, name=stage.name: does.visit(name))
        menu.addAction(action)
    menu.addSeparator()
    runs = _action(window, tr("&Earlier runs…"), "Ctrl+R")
    runs.triggered.connect(does.choose_run)
    menu.addAction(runs)


def _help(window: QMainWindow, does: MenuActions) -> None:
    menu = window.menuBar().addMenu(tr("&Help"))
    this_page = _action(window, tr("&This page"), QKeySequence.StandardKey.HelpContents)
    this_page.triggered.connect(lambda: _page_help(window, does.current()))
    menu.addAction(this_page)
    folder = _action(window, tr("Show Onboard's &files"), None)
    folder.triggered.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(home()))))
    menu.addAction(folder)
    shown = _action(window, tr("&About Onboard"), None)
    shown.setMenuRole(QAction.MenuRole.AboutRole)
    shown.triggered.connect(lambda: _about(window))
    menu.addAction(shown)


def _page_help(window: QMainWindow, stage: Stage) -> None:
    QMessageBox.information(window, say(stage.title), say(PAGE_HELP[stage.name]))


def _about(window: QMainWindow) -> None:
    this = about()
    lines = [
        tr("Onboard {version}, build {build}", version=this.version, build=this.build),
        "",
        tr("Takes on-premises servers into AWS Systems Manager."),
        "",
        tr("Program: {folder}", folder=this.program),
        tr("Its files: {folder}", folder=this.home),
    ]
    if this.licences is not None:
        lines.append(tr("Licences of what it contains: {folder}", folder=this.licences))
    QMessageBox.about(window, tr("About Onboard"), "\n".join(lines))
