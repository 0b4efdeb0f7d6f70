"""Every part of the wizard's look on one screen, with made-up data: `python tests/gui/gallery.py --help`."""

import argparse
import sys
from pathlib import Path

from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QHBoxLayout, QVBoxLayout, QWidget

from onboard.gui import icons
from onboard.gui.theme import CARD_GAP, PAGE_MARGIN, Scheme, Theme
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.footer import Footer
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.stage_list import Stage, StageList
from onboard.gui.widgets.top_bar import TopBar

TITLES = (
    "Start", "Account", "Servers", "Region", "Role", "Activation", "Network", "Checks", "Review", "Install", "Finish",
)  # fmt: skip


def stages(here: int) -> list[Stage]:
    marks = [Mark.DONE] * here + [Mark.HERE] + [Mark.TODO] * (len(TITLES) - here - 1)
    if here > 2:
        marks[2] = Mark.WARN
    return [
        Stage(title.lower(), title, mark, enabled=row <= here + 1, tip="" if row <= here + 1 else "Needs: checks")
        for row, (title, mark) in enumerate(zip(TITLES, marks, strict=True))
    ]


class Frame(QWidget):
    """The wizard's frame around one page."""

    def __init__(self, here: int, header: PageHeader) -> None:
        super().__init__()
        self.top = TopBar()
        self.top.set_profile("Frankfurt data centre", edited=True)
        self.top.set_practice(here > 0)
        self.top.set_account("123456789012", "eu-central-1")
        self.stages = StageList()
        self.stages.set_stages(stages(here))
        self.stages.set_current(TITLES[here].lower())
        self.footer = Footer()
        self.footer.set_back(here > 0)
        if here + 1 < len(TITLES):
            self.footer.set_primary(f"&Next: {TITLES[here + 1]}")
        self.page = QVBoxLayout()
        self.page.setContentsMargins(PAGE_MARGIN, PAGE_MARGIN - 4, PAGE_MARGIN, 0)
        self.page.setSpacing(CARD_GAP)
        self.page.addWidget(header)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.stages)
        middle.addLayout(self.page, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top)
        column.addLayout(middle, 1)
        column.addWidget(self.footer)


def start() -> Frame:
    frame = Frame(
        0,
        PageHeader(
            "Bring your servers into AWS Systems Manager",
            "Onboard finds the nearest Region, prepares the role and activation, checks every server, installs the "
            "agent and proves that each one answers. Nothing is changed before you have seen the plan.",
        ),
    )
    frame.footer.primary.setVisible(False)
    cards = QHBoxLayout()
    cards.setSpacing(CARD_GAP)
    for title, text, kind in (
        ("New profile", "For your own servers and account.", Kind.PRIMARY),
        ("Open…", "A profile file, or drop one on this window.", Kind.PLAIN),
        (
            "Try it in practice",
            "An embedded cloud and servers on this computer. No account, no risk, one minute.",
            Kind.PLAIN,
        ),
    ):
        card = Card(title, accent=kind is Kind.PRIMARY)
        card.body.addWidget(Label(text, tone="muted", wrap=True))
        row = QHBoxLayout()
        row.addWidget(Button(title, kind=kind))
        row.addStretch()
        card.body.addLayout(row)
        card.body.addStretch()
        card.setMaximumHeight(138)
        cards.addWidget(card, 1)
    frame.page.addLayout(cards)
    buttons = QHBoxLayout()
    for name in ("plus", "import", "refresh", "pause", "stop", "play"):
        buttons.addWidget(Button(name.capitalize(), icon=name))
    buttons.addWidget(Button("From other servers…", kind=Kind.LINK))
    disabled = Button("Retry failed", icon="refresh")
    disabled.setEnabled(False)
    buttons.addWidget(disabled)
    buttons.addStretch()
    frame.page.addLayout(buttons)
    frame.page.addStretch()
    frame.footer.set_message("61 servers have no approved key: they would be left out", Mark.WARN)
    frame.footer.offer_command("onboard check --profile frankfurt.toml")
    return frame


PAGES = {"start": start}


def make_theme(app: QApplication, arguments: argparse.Namespace) -> Theme:
    if arguments.family:
        font = QFont(arguments.family)
        font.setPointSizeF(arguments.points)
        app.setFont(font)
    return Theme(app, scheme=Scheme(arguments.scheme), text_scale=arguments.text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", choices=sorted(PAGES), nargs="*", default=sorted(PAGES))
    parser.add_argument("--scheme", choices=[scheme.value for scheme in Scheme], default="system")
    parser.add_argument("--text", type=float, default=1.0, help="scale of text, 1 to 2")
    parser.add_argument("--family", default="")
    parser.add_argument("--points", type=float, default=10.0)
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--into", type=Path, help="write PNG files there instead of showing windows")
    arguments = parser.parse_args()
    app = QApplication(sys.argv[:1])
    make_theme(app, arguments)
    app.setWindowIcon(icons.app_icon())
    width, height = map(int, arguments.size.split("x"))
    windows = {}
    for name in arguments.page:
        windows[name] = window = PAGES[name]()
        window.resize(width, height)
        window.show()
    if arguments.into is None:
        return app.exec()
    arguments.into.mkdir(parents=True, exist_ok=True)
    for name, window in windows.items():
        window.activateWindow()
        for _ in range(5):
            app.processEvents()
        window.grab().save(str(arguments.into / f"{name}-{arguments.scheme}-{arguments.text:g}.png"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
