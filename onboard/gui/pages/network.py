"""Network: how servers reach AWS, where the agent's package comes from, and what the agent may overwrite."""

from PySide6.QtCore import Qt, Slot
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QButtonGroup, QFileDialog, QHBoxLayout, QRadioButton, QVBoxLayout, QWidget

from onboard.gui.fields import Fields
from onboard.gui.page import Page
from onboard.gui.parts import name_parts
from onboard.gui.session import Session
from onboard.gui.text import tr
from onboard.gui.theme import CARD_GAP
from onboard.gui.widgets.button import Button
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.scrolled import Scrolled
from onboard.model.errors import Problem
from onboard.model.profile import NetworkSection, Profile
from onboard.wizard.draft import changed

INTERNET, ENDPOINTS, PROXY = "internet", "endpoints", "proxy"
PROXY_EXAMPLE = "http://proxy.example:3128"
SERVICES = ("ssm", "ssmmessages", "ec2messages", "s3")


class NetworkPage(Page):
    stage = "network"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        lead = tr(
            "Agents connect to AWS on TCP port 443 and need no inbound port. Choose the route they take; the "
            "checks then try it from every server."
        )
        self.column.addWidget(PageHeader(tr("Network"), lead))
        self._chosen = ""
        self._is_pending = False  # the proxy is chosen but its URL is missing: the draft keeps the previous route
        self._left: dict[str, NetworkSection] = {}  # route → its settings when another route was chosen
        self._choices = QButtonGroup(self)
        self._cards: dict[str, Card] = {}
        row = QHBoxLayout()
        row.setSpacing(CARD_GAP)
        for name, title, text in (
            (INTERNET, tr("&Internet"), tr("Servers reach AWS's public endpoints directly.")),
            (ENDPOINTS, tr("Private &endpoints"), tr("Interface VPC endpoints over VPN or Direct Connect.")),
            (PROXY, tr("&Proxy"), tr("Agents reach AWS through an HTTP proxy.")),
        ):
            row.addWidget(self._choice(name, title, text), 1)
        content = QWidget()
        forms = QVBoxLayout(content)
        forms.setContentsMargins(0, 0, 0, CARD_GAP)
        forms.setSpacing(CARD_GAP)
        forms.addLayout(row)
        self._endpoints, self._endpoint_fields = self._endpoints_card()
        self._proxy, self._proxy_fields = self._proxy_card()
        package = self._package_card()
        name_parts(endpoints_card=self._endpoints, proxy_card=self._proxy)
        self._all_fields = (self._endpoint_fields, self._proxy_fields, self._package_fields)
        for card in (self._endpoints, self._proxy, package):
            forms.addWidget(card)
        forms.addStretch(1)
        self.column.addWidget(Scrolled(content), 1)

    def _choice(self, name: str, title: str, text: str) -> Card:
        button = QRadioButton(title)
        button.setAccessibleDescription(text)
        button.clicked.connect(lambda: self._choose(name))
        self._choices.addButton(button)
        button.setObjectName(name)
        card = self._cards[name] = _Choice(button)
        card.setObjectName(f"way-{name}")
        card.body.addWidget(button)
        card.body.addWidget(Label(text, tone="muted", wrap=True))
        card.body.addStretch()
        return card

    def _endpoints_card(self) -> tuple[Card, Fields]:
        card = Card(tr("Private endpoints"))
        hint = tr(
            "With private DNS, the usual names already lead to your endpoints: leave these fields empty. An S3 "
            "gateway endpoint cannot be reached from outside the VPC; an S3 interface endpoint can."
        )
        card.body.addWidget(Label(hint, tone="muted", wrap=True))
        form = KeyValueForm()
        fields = Fields(self.session.editor, form)
        for service in SERVICES:
            fields.bind_text(
                f"network.endpoints.{service}", service, "", f"https://vpce-ID.{service}.REGION.vpce.amazonaws.com"
            )
        card.body.addWidget(form)
        return card, fields

    def _proxy_card(self) -> tuple[Card, Fields]:
        card = Card(tr("Proxy"))
        form = KeyValueForm()
        fields = Fields(self.session.editor, form, _ProxyEdits(self))
        hint = tr("Written to the agent's service settings. A profile cannot hold a user name or password.")
        fields.bind_text("network.proxy", tr("Proxy &URL"), hint, PROXY_EXAMPLE, needed=_url_is_missing().problem)
        fields.bind_list(
            "network.no_proxy",
            tr("&Without proxy"),
            tr("Hosts to reach without the proxy, separated by commas."),
            "10.0.0.5",
        )
        card.body.addWidget(form)
        return card, fields

    def _package_card(self) -> Card:
        card = Card(tr("The agent"))
        form = KeyValueForm()
        self._package_fields = Fields(self.session.editor, form)
        folder = Button(tr("Choose a f&older…"), icon="open")
        folder.clicked.connect(self._choose_folder)
        self._package_fields.bind_text(
            "agent.source",
            tr("Package fro&m"),
            tr(
                "aws (the Region's bucket), an https:// mirror, or a folder. Fetched once, verified, then copied "
                "to the servers."
            ),
            "aws",
            folder,
            needed=tr("Enter aws, an https:// mirror, or a folder"),
        )
        self._package_fields.bind_text(
            "agent.version",
            tr("Ve&rsion"),
            tr("latest, stable, or a version number."),
            "latest",
            needed=tr("Enter latest, stable, or a version number"),
        )
        self._package_fields.bind_check(
            "agent.verify_signature", "", tr("Verify the &signature"), tr("If off, every plan carries a warning.")
        )
        self._package_fields.bind_check(
            "agent.share_credentials",
            "",
            tr("Sh&are the node's credentials with root"),
            tr("The agent overwrites [default] in root's ~/.aws/credentials. Its previous content is lost."),
        )
        card.body.addWidget(form)
        return card

    def first_focus(self) -> QWidget | None:
        return self._choices.checkedButton()

    def opened(self) -> None:
        self._chosen, self._is_pending = "", False
        self._left.clear()
        for fields in self._all_fields:
            fields.forget()

    def draft_changed(self) -> None:
        for fields in self._all_fields:
            fields.show()
        if not self._is_pending:
            self._chosen = _way_of(self.session.view.draft) or self._chosen or INTERNET
        self._show_way(self._chosen)

    def _show_way(self, way: str) -> None:
        self._chosen = way
        for button in self._choices.buttons():
            button.setChecked(button.objectName() == way)
        for name, card in self._cards.items():
            card.set_accent(name == way)
        self._endpoints.setVisible(way == ENDPOINTS)
        self._proxy.setVisible(way == PROXY)

    def _choose(self, way: str) -> None:
        """Remove the settings of the other routes from the draft, since two routes would contradict each other.

        They come back when their route is chosen again. While a proxy has no URL, the draft keeps the previous route.
        """
        if way == self._chosen:
            return
        draft = self.session.view.draft
        if not self._is_pending:
            self._left[self._chosen] = draft.network
        known = self._left.get(way, draft.network)
        kept: dict[str, object] = {}
        if way == ENDPOINTS:
            kept["endpoints"] = known.endpoints
        if way == PROXY:
            kept = {"proxy": known.proxy, "no_proxy": known.no_proxy}
        section = NetworkSection().model_copy(update=kept)
        self._chosen, self._is_pending = way, way == PROXY and not section.proxy
        for fields in (self._endpoint_fields, self._proxy_fields):
            fields.forget()
        if self._is_pending:
            self._left[PROXY] = section
            self._proxy_fields.show()
            self._proxy_fields.put("network.proxy", _url_is_missing())
        elif way != _way_of(draft):
            self.session.editor.edit(draft.model_copy(update={"network": section}))
        self._show_way(way)

    @property
    def proxied(self) -> Profile:
        """Return the draft as it is with the proxy, or will be once its URL is entered."""
        draft = self.session.view.draft
        return draft.model_copy(update={"network": self._left[PROXY]}) if self._is_pending else draft

    def take_proxied(self, profile: Profile) -> None:
        """Take a changed `proxied`, and put it into the draft as soon as it names a proxy."""
        if profile.network.proxy:
            self._is_pending = False
            self.session.editor.edit(profile)
        else:
            self._left[PROXY] = profile.network

    @Slot()
    def _choose_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self, tr("Folder with the agent's packages"))
        if name:
            self._package_fields.put("agent.source", name)


class _ProxyEdits:
    """What the proxy's fields show and edit: the draft, or the proxy that has no URL yet."""

    def __init__(self, page: NetworkPage) -> None:
        self._page = page

    @property
    def draft(self) -> Profile:
        return self._page.proxied

    def put(self, key: str, value: object) -> Problem | None:
        result = changed(self._page.proxied, key, value)
        if isinstance(result, Problem):
            return result
        self._page.take_proxied(result)
        return None


def _url_is_missing() -> Problem:
    return Problem("network.proxy", tr("Enter the proxy's URL, such as {example}", example=PROXY_EXAMPLE), "")


class _Choice(Card):
    """A choice that reacts to clicks anywhere on it, not only on its button."""

    def __init__(self, button: QRadioButton) -> None:
        super().__init__()
        self._button = button
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        super().mouseReleaseEvent(event)
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._button.click()


def _way_of(profile: Profile) -> str:
    """Return the route that the profile's keys describe, "" when they describe none."""
    if profile.network.proxy:
        return PROXY
    return ENDPOINTS if any(getattr(profile.network.endpoints, service) for service in SERVICES) else ""
