"""Activation: number of activations, expiry, the nodes' tags, and the limit and cost of the tier."""

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from onboard.gui.preview_page import PreviewPage
from onboard.gui.session import Session
from onboard.gui.text import plural, say, tr
from onboard.gui.theme import CARD_GAP
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.scrolled import Scrolled
from onboard.model.events import HeadroomShown
from onboard.model.state import State
from onboard.model.words import texts_of
from onboard.wizard.finding_words import sentence


class ActivationPage(PreviewPage):
    stage = "activation"

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        lead = tr(
            "An activation lets a limited number of servers register until it expires. Onboard makes it exactly as "
            "large as the run needs, keeps its code only in memory, and deletes it when the run ends."
        )
        self.column.addWidget(PageHeader(tr("Activation"), lead))
        self.fields.bind_text(
            "activation.name",
            tr("Instance na&me"),
            tr("The name that nodes have in Systems Manager."),
            needed=tr("Enter a name for the nodes"),
        )
        self.fields.bind_number(
            "activation.expires_in_hours", tr("&Expires after"), 1, 720, tr(" hours"), tr("At most 30 days.")
        )
        self.fields.bind_pairs(
            "activation.tags", tr("&Tags"), tr("Copied to every node when it registers."), "site=fra, team=platform"
        )
        settings = Card(tr("The activation"))
        settings.body.addWidget(self.form)
        row = QHBoxLayout()
        row.setSpacing(CARD_GAP)
        row.addWidget(settings, 3)
        row.addWidget(self._tier_card(), 2)
        content = QWidget()
        parts = QVBoxLayout(content)
        parts.setContentsMargins(0, 0, 0, CARD_GAP)
        parts.addLayout(row)
        parts.addStretch(1)
        self.column.addWidget(Scrolled(content), 1)

    def _tier_card(self) -> Card:
        card = Card(tr("Tier and cost"))
        self._count = Label(wrap=True)
        self._room = Label(tone="muted", wrap=True)
        self._cost = Label(tone="muted", wrap=True)
        self._warnings = Label(tone="warn", wrap=True)
        card.body.addWidget(self.error)
        card.body.addWidget(self.busy)
        card.body.addWidget(self.status)
        for label in (self._count, self._room, self._cost, self._warnings):
            card.body.addWidget(label)
        return card

    def waits_for(self) -> str:
        return tr("Counting the account's nodes")

    def is_answered(self, state: State) -> bool:
        return state.headroom is not None and state.headroom.adding == len(self.session.view.draft.hosts)

    def show_answer(self, state: State) -> None:
        room = state.headroom
        for widget in (self._count, self._room, self._cost, self._warnings):
            widget.setVisible(room is not None)
        self.status.setVisible(room is not None or not (self.is_asking or state.failure))
        if room is None:
            self.status.show_status(Mark.TODO, tr("To do"), tr("Not checked yet"))
        else:
            self._show_room(room)

    def _show_room(self, room: HeadroomShown) -> None:
        servers = plural("{n} server", "{n} servers", room.adding)
        fits = tr("{servers} fit", servers=servers) if room.fits else tr("{servers} do not fit", servers=servers)
        mark, word = (Mark.DONE, tr("Passed")) if room.fits else (Mark.BAD, tr("Blocked"))
        self.status.show_status(mark, word, fits)
        sizes = ", ".join(f"{size:,}" for size in room.activations)
        self._count.setText(
            plural(
                "{n} activation, for {sizes}", "{n} activations, for {sizes}", len(room.activations), sizes=sizes or "0"
            )
        )
        self._room.setText(_room_words(room))
        (cost,) = texts_of((room.cost,), room.phrasings)
        self._cost.setText(f"{sentence(say(cost))}." if cost else tr("No charge for these nodes."))
        self._cost.setVisible(room.fits or bool(room.cost))
        self._warnings.setText("\n".join(map(say, texts_of(room.warnings, room.phrasings))))
        self._warnings.setVisible(bool(room.warnings))


def _room_words(room: HeadroomShown) -> str:
    nodes = f"{room.nodes:,}"
    if not room.tier:
        return tr("The tier is unknown. Hybrid nodes now: {nodes}.", nodes=nodes)
    if room.limit is None:
        return tr("Tier: {tier}, without a limit. Hybrid nodes now: {nodes}.", tier=room.tier, nodes=nodes)
    return tr(
        "Tier: {tier}, for up to {limit} hybrid nodes. Hybrid nodes now: {nodes}.",
        tier=room.tier,
        limit=f"{room.limit:,}",
        nodes=nodes,
    )
