"""Edit one server, or several at once."""

from collections.abc import Collection

from PySide6.QtWidgets import QLineEdit, QWidget

from onboard.gui.servers.sheet import Sheet, credential_box, show_problem
from onboard.gui.text import plural, tr
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.model.errors import Problem
from onboard.model.profile import Host, Profile
from onboard.wizard import draft


class EditSheet(Sheet):
    """Once accepted, `profile` contains the change. With several servers, an empty field changes nothing."""

    def __init__(self, parent: QWidget | None, profile: Profile, names: Collection[str]) -> None:
        chosen = [host for host in profile.hosts if host.name in names]
        title = plural("Edit {name}", "Edit {n} servers", len(chosen), name=chosen[0].name)
        lead = "" if len(chosen) == 1 else tr("Fields left empty keep each server's own value.")
        super().__init__(parent, title, lead, primary=tr("&Save"), letters=64)
        self.profile = profile
        self._names = {host.name for host in chosen}
        self._one: Host | None = chosen[0] if len(chosen) == 1 else None
        self.name, self.address, self.port = QLineEdit(), QLineEdit(), QLineEdit()
        self.tags, self.without = QLineEdit(), QLineEdit()
        self.tags.setPlaceholderText("site=fra, team=web")
        if self._one is not None:
            self._fill(self._one)
        empty = "" if self._one else tr("unchanged")
        self.port.setPlaceholderText(empty)
        self.without.setPlaceholderText("site, team")
        self.credential = credential_box(profile, self._one.credential if self._one else "", empty=empty)
        self.form = KeyValueForm()
        self.form.add_row("name", tr("&Name"), self.name)
        self.form.add_row("address", tr("Ad&dress"), self.address)
        self.form.add_row("port", tr("&Port"), self.port)
        self.form.add_row("credential", tr("&Log in with"), self.credential)
        self.form.add_row("tags", tr("&Tags") if self._one else tr("Add &tags"), self.tags)
        self.form.add_row("without", tr("&Remove tags"), self.without)
        for key in ("name", "address"):
            self.form.set_row_visible(key, self._one is not None)
        self.form.set_row_visible("without", self._one is None)
        self.body.addWidget(self.form)
        self.body.addStretch()

    def _fill(self, host: Host) -> None:
        self.name.setText(host.name)
        self.address.setText(host.place.address)
        self.port.setText(str(host.place.port))
        self.tags.setText(draft.tags_text(host.tags))

    def accept(self) -> None:
        changed = self._changed()
        if isinstance(changed, Problem):
            show_problem(self.form, changed)
            return
        self.profile = changed
        super().accept()

    def _changed(self) -> Profile | Problem:
        tags = draft.tags_from_text(self.tags.text())
        if isinstance(tags, Problem):
            return tags
        values: dict[str, object] = {}
        port, credential = self.port.text().strip(), self.credential.currentText().strip()
        if port:
            values["port"] = int(port) if port.isascii() and port.isdecimal() else port
        if credential:
            values["credential"] = credential
        if self._one is None:
            gone = [key.strip() for key in self.without.text().split(",") if key.strip()]
            return draft.hosts_changed(self.profile, self._names, values, tags=tags, without_tags=gone)
        name, address = self.name.text().strip(), self.address.text().strip()
        values |= {"name": name, "address": "" if address == name else address, "tags": tags or None}
        if port in ("", str(Host(name="a", protocol=self._one.protocol).place.port)):
            values["port"] = None
        return draft.host_changed(self.profile, self._one.name, values)
