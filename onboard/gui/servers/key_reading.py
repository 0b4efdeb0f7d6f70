"""Reads host keys, compares them with a list, and has the user approve them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QWidget

from onboard.gui.parts import name_parts
from onboard.gui.servers.keys import KeysSheet
from onboard.gui.session import Session
from onboard.gui.text import plural, tr
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.mark import Mark
from onboard.model import orders
from onboard.model.profile import Host
from onboard.wizard.draft import with_only
from onboard.wizard.servers import to_approve


@dataclass(frozen=True, slots=True)
class _Comparison:
    """The file that keys were compared with, and how many keys waited for approval then."""

    file: str
    before: int


class KeyReading(QObject):
    """`busy_line` shows how far the reading is, `notice` offers to approve what nobody has approved yet."""

    ended = Signal()

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._page = session, parent
        self._compared: _Comparison | None = None
        self.is_reading = False
        self._busy = BusyIndicator()
        self._busy.cancelled.connect(self.stop)
        self.busy_line = QWidget()
        line = QHBoxLayout(self.busy_line)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(self._busy)
        self.notice = Banner(Mark.WARN, "")
        compare = Button(tr("Com&pare with known_hosts…"))
        compare.clicked.connect(self.choose_known_hosts)
        self._review = Button("")
        self._review.clicked.connect(self.review)
        self.notice.add_button(compare)
        self.notice.add_button(self._review)
        name_parts(keys_notice=self.notice, reading=self._busy)

    # What is shown

    def running_changed(self) -> bool:
        """Follow a command that began or ended. Return True when it was the reading of keys."""
        was, self.is_reading = self.is_reading, "trust" in self._session.view.ordered
        if self.is_reading and not was:
            self._busy.start(tr("Reading host keys"))
        elif was and not self.is_reading:
            self._busy.stop()
            self.ended.emit()
        return self.is_reading is not was

    def refresh(self, waiting: int) -> None:
        """`waiting`: servers whose keys wait for approval."""
        self.busy_line.setVisible(self.is_reading)
        if self.is_reading:
            trust = self._session.view.state("trust")
            seen = sum(host.finished for host in trust.hosts.values())
            self._busy.set_progress(min(seen, trust.phase_total), trust.phase_total)
        self.notice.setVisible(waiting > 0 and not self.is_reading)
        if not waiting or self.is_reading:
            return
        what = plural(
            "{n} server shows a key that nobody has approved.",
            "{n} servers show a key that nobody has approved.",
            waiting,
        )
        self.notice.show_notice(Mark.WARN, what, self._advice(waiting))
        self._review.setText(plural("Revie&w {n} key", "Revie&w {n} keys", waiting))

    def _advice(self, waiting: int) -> str:
        if self._compared is None:
            return tr("Compare the fingerprints with a list you trust, or approve them here.")
        return plural(
            "{n} key was found in {file} and is now approved; the file does not list the others.",
            "{n} keys were found in {file} and are now approved; the file does not list the others.",
            self._compared.before - waiting,
            file=self._compared.file,
        )

    # What is done

    def read(self, names: Collection[str], *, known_hosts: str = "", approve: Mapping[str, str] | None = None) -> None:
        """Read the host keys of these servers. The results for the others are kept."""
        wanted = set(names)
        if not known_hosts:
            self._compared = None
        if wanted and not self.is_reading:
            profile = with_only(self._session.view.draft, wanted)
            order = orders.Trust(approve=approve or {}, known_hosts=known_hosts)
            self._session.commands.run(order, profile=profile, fresh=False)

    @Slot()
    def stop(self) -> None:
        self._session.orders.stop_now("trust")

    @Slot()
    def choose_known_hosts(self) -> None:
        folder = Path("~/.ssh").expanduser()
        name, _ = QFileDialog.getOpenFileName(
            self._page, tr("Compare with known_hosts"), str(folder), tr("All files (*)")
        )
        if name:
            self.compare_with(Path(name))

    def compare_with(self, path: Path) -> None:
        """Approve the keys that a known_hosts file lists for their servers."""
        keys = to_approve(self._session.view.draft, self._session.view.state("trust"))
        self._compared = _Comparison(path.name, len(keys))
        self.read(keys, known_hosts=str(path))

    @Slot()
    def review(self) -> None:
        view = self._session.view
        keys = to_approve(view.draft, view.state("trust"))
        addresses = {host.name: _address(host) for host in view.draft.hosts if host.name in keys}
        sheet = KeysSheet(self._page, keys, addresses)
        if sheet.exec() == QDialog.DialogCode.Accepted:
            self.read(sheet.approved, approve=sheet.approved)


def _address(host: Host) -> str:
    return host.place.address if host.place.port == 22 else str(host.place)
