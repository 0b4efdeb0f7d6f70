"""Notices around the table of servers: missing credentials, wrong input, what a server's identity means."""

from PySide6.QtCore import Signal, Slot

from onboard.gui.models.servers import ServersModel
from onboard.gui.parts import name_parts
from onboard.gui.text import plural, tr
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.copy_button import CopyButton
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.tips import set_tip
from onboard.model.profile import Host, Profile
from onboard.model.state import State
from onboard.model.words import Wording
from onboard.wizard.servers import Identity, missing_credentials


class CredentialsNotice(Banner):
    """Credentials that servers use but that are not set up."""

    described = Signal()

    def __init__(self) -> None:
        super().__init__(Mark.WARN, "")
        describe = Button(tr("Set up &credentials…"))
        describe.clicked.connect(self.described)
        name_parts(credentials_notice=self)
        self.add_button(describe)

    def refresh(self, draft: Profile) -> None:
        missing = missing_credentials(draft)
        self.setVisible(bool(missing))
        if not missing:
            return
        name, servers = next(iter(missing.items()))
        what = tr("No login is set up for {name} yet.", name=name)
        then = plural("{n} server uses it.", "{n} servers use it.", servers)
        if len(missing) > 1:
            what = tr("No login is set up yet for these credentials: {names}.", names=", ".join(missing))
            then = plural("{n} server uses one of them.", "{n} servers use one of them.", sum(missing.values()))
        self.show_notice(Mark.WARN, what, then)


class TypedNotice(Banner):
    """Shows invalid input in a cell."""

    mended = Signal()

    def __init__(self, model: ServersModel) -> None:
        super().__init__(Mark.BAD, "")
        self._model = model
        fix = Button(tr("Fix the &mistake"))
        fix.clicked.connect(self.mended)
        discard = Button(tr("Di&scard"))
        discard.clicked.connect(model.forget_wrong)
        name_parts(typed=self)
        self.add_button(fix)
        self.add_button(discard)
        self.hide()
        model.refused.connect(self.refresh)

    @Slot()
    def refresh(self) -> None:
        wrong = self._model.first_wrong
        self.setVisible(wrong is not None)
        if wrong is not None:
            name, problem = wrong
            what = tr("{name}, {key}: {problem}.", name=name, key=problem.key, problem=problem.problem)
            self.show_notice(Mark.BAD, what, f"{problem.remedy}.")


class IdentityNotice(Banner):
    """Shows what the identity of the selected server means and what to do about it."""

    read_again = Signal()

    def __init__(self, model: ServersModel) -> None:
        super().__init__(Mark.WARN, "")
        self._model = model
        self._said = ""
        copy = CopyButton(tr("Cop&y"), lambda: self._said)
        again = Button(tr("&Look again"))
        set_tip(again, tr("Reads the host keys of the selected servers again"))
        again.clicked.connect(self.read_again)
        name_parts(identity=self)
        self.add_button(copy)
        self.add_button(again)

    def refresh(self, host: Host | None, trust: State) -> None:
        """Show the notice for `host`, the only selected server."""
        marks = {Identity.REFUSED: Mark.BAD, Identity.NOT_REACHED: Mark.BAD, Identity.TO_APPROVE: Mark.WARN}
        identity = self._model.identity(host) if host else Identity.UNSEEN
        self.setVisible(identity in marks)
        if host is None or identity not in marks:
            return
        state = trust.hosts[host.name]
        what = tr("{name}: {words}", name=host.name, words=self._model.identity_words(host))
        words = state.wording or Wording(state.reason, advice=state.remedy)
        advice, commands = words.remedy_words, words.commands
        lines = [f"{state.reason}." if state.reason else "", f"{advice}{':' if commands else '.'}" if advice else ""]
        then = "\n".join(line for line in lines if line)
        self._said = "\n".join((what, then, *commands))
        self.show_notice(marks[identity], what, then, commands)
