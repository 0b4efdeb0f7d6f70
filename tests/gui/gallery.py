"""All widgets of the wizard on one screen, with made-up data: `python tests/gui/gallery.py --help`."""

import argparse
import sys
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QAbstractTableModel, QModelIndex, Qt
from PySide6.QtGui import QFont
from PySide6.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from onboard.gui import icons
from onboard.gui.theme import CARD_GAP, PAGE_MARGIN, Scheme, Theme
from onboard.gui.widgets.banner import Banner
from onboard.gui.widgets.bar_cells import LatencyCell, ProgressCell
from onboard.gui.widgets.busy_indicator import BusyIndicator
from onboard.gui.widgets.button import Button, Kind
from onboard.gui.widgets.card import Card
from onboard.gui.widgets.cell_role import CellRole
from onboard.gui.widgets.cells import BadgeCell, MarkCell, StatusCell, TextCell
from onboard.gui.widgets.chips import Chip, Chips
from onboard.gui.widgets.data_table import DataTable
from onboard.gui.widgets.detail_pane import Detail, DetailPane
from onboard.gui.widgets.error_panel import ErrorPanel
from onboard.gui.widgets.filter_box import FilterBox
from onboard.gui.widgets.footer import Footer
from onboard.gui.widgets.key_value_form import KeyValueForm
from onboard.gui.widgets.label import Label
from onboard.gui.widgets.log_view import LogView
from onboard.gui.widgets.mark import Mark
from onboard.gui.widgets.page_header import PageHeader
from onboard.gui.widgets.stage_list import Stage, StageList
from onboard.gui.widgets.text_view import TextView
from onboard.gui.widgets.top_bar import TopBar
from onboard.wizard.log import Line

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


class Rows(QAbstractTableModel):
    """A table of fixed rows. A cell is a text, or (text, {role: value})."""

    def __init__(self, titles: tuple[str, ...], rows: list[tuple[object, ...]], parent: QWidget) -> None:
        super().__init__(parent)
        self.titles, self.rows = titles, rows

    def rowCount(self, parent: object = None) -> int:  # noqa: N802 - Qt's names
        return len(self.rows)

    def columnCount(self, parent: object = None) -> int:  # noqa: N802
        return len(self.titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> object:  # noqa: N802
        return self.titles[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: QModelIndex, role: int = 0) -> object:
        cell = self.rows[index.row()][index.column()]
        text, roles = cell if isinstance(cell, tuple) else (cell, {})
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == CellRole.KEY:
            return index.row()
        return roles.get(role)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self.layoutAboutToBeChanged.emit()
        self.rows.sort(key=lambda row: str(row[column]), reverse=order is Qt.SortOrder.DescendingOrder)
        self.layoutChanged.emit()


def toned(text: str, tone: str) -> tuple[str, dict[int, object]]:
    return text, {CellRole.TONE: tone}


def marked(text: str, mark: Mark, tone: str | None = None) -> tuple[str, dict[int, object]]:
    return text, {CellRole.MARK: mark, CellRole.TONE: tone}


def bar(chips: Chips, box: QWidget | None) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(chips, 1)
    if box is not None:
        row.addWidget(box, 0, Qt.AlignmentFlag.AlignTop)
    return row


def servers() -> Frame:
    header = PageHeader(
        "Servers", "Onboard sends no password or key to a server until you have confirmed its identity."
    )
    for text in ("&Add…", "&Import…", "&Test one…"):
        header.add_action(Button(text))
    frame = Frame(2, header)
    chips = Chips(
        "State",
        [
            Chip("all", "All"),
            Chip("trusted", "Trusted", Mark.DONE),
            Chip("approve", "To approve", Mark.WARN),
            Chip("refused", "Refused", Mark.BAD),
        ],
    )
    chips.set_counts({"all": 248, "trusted": 186, "approve": 61, "refused": 1})
    frame.page.addLayout(bar(chips, FilterBox("Filter by name, tag, credential")))
    ok, warn, bad = Mark.DONE, Mark.WARN, Mark.BAD
    rows: list[tuple[object, ...]] = [
        (
            "srv-app-01",
            "10.20.1.11",
            "SSH",
            "linux-admin",
            marked("known", ok),
            "SHA256:tq0v7Yk1mXz2c0xfUnzG7pUzV4cPv4c",
            "site=fra",
        ),
        (
            "srv-app-02",
            "10.20.1.12",
            "SSH",
            "linux-admin",
            marked("known", ok),
            "SHA256:9ZkX1mXz2c0xfUnzG7pUzV4cQw0",
            "site=fra",
        ),
        (
            "srv-app-03",
            "10.20.1.13",
            "SSH",
            "linux-admin",
            marked("to approve", warn),
            "SHA256:b1MX1mXz2c0xfUnzG7pUzV4cx7E",
            "site=fra",
        ),
        (
            "srv-db-01",
            "10.20.2.21",
            "SSH via bastion",
            "dba",
            marked("to approve", warn),
            "SHA256:Lr8X1mXz2c0xfUnzG7pUzV4c0aT",
            "site=fra",
        ),
        (
            "srv-old-04",
            "10.20.2.40",
            "SSH",
            "linux-admin",
            marked("key changed: refused", bad),
            "SHA256:e2CX1mXz2c0xfUnzG7pUzV4cmP9",
            "site=fra",
        ),
        (
            "win-ad-01",
            "10.20.3.5",
            "WinRM HTTPS",
            "domain-admin",
            marked("certificate trusted", ok),
            "CN=win-ad-01",
            "site=fra, os=win",
        ),
        ("win-print-03", "10.20.3.9", "WinRM Kerberos", "domain-admin", marked("Kerberos", ok), "", "site=fra, os=win"),
        (
            "srv-web-09",
            "10.20.4.19",
            "SSH",
            "linux-admin",
            marked("not reached yet", Mark.WAITING, "muted"),
            "",
            "site=fra",
        ),
    ]
    table = DataTable("Servers")
    table.set_cell(1, TextCell(fixed=True))
    table.set_cell(4, StatusCell())
    table.set_cell(5, TextCell(fixed=True))
    titles = ("Name", "Address", "Way", "Credential", "Identity", "Fingerprint", "Tags")
    muted = [(*row[:5], toned(str(row[5]), "muted"), toned(str(row[6]), "muted")) for row in rows]
    table.setModel(Rows(titles, muted, table))
    table.selectRow(2)
    frame.page.addWidget(table, 1)
    frame.footer.set_message("61 servers have no approved key: they would be left out", Mark.WARN)
    return frame


def checks() -> Frame:
    header = PageHeader("Checks", "Every prerequisite on every server. Nothing was changed.")
    header.add_action(Button("&Check again what failed"))
    frame = Frame(7, header)
    chips = Chips(
        "State",
        [
            Chip("all", "All"),
            Chip("ready", "Ready", Mark.DONE),
            Chip("warned", "Warned", Mark.WARN),
            Chip("blocked", "Blocked", Mark.BAD),
        ],
    )
    chips.set_counts({"all": 248, "ready": 240, "warned": 2, "blocked": 6})
    frame.page.addLayout(bar(chips, FilterBox("Filter by name, tag, cause")))
    titles = ("Server", "System", "System", "Clock", "Name lookup", "Endpoints", "Certificates", "Disk", "Proxy")
    names = ["srv-app-01", "srv-app-02", "srv-app-03", "srv-db-01", "srv-db-02", "srv-file-07", "srv-hr-01"]
    names += ["win-ad-01", "win-ad-02", *(f"srv-web-{n:02}" for n in range(1, 20))]
    odd = {
        ("srv-app-03", 7): Mark.WARN,
        ("srv-db-02", 3): Mark.BAD,
        ("srv-file-07", 6): Mark.BAD,
        ("srv-hr-01", 5): Mark.BAD,
        ("srv-hr-01", 6): Mark.UNKNOWN,
        ("win-ad-02", 2): Mark.WARN,
    }
    rows = [
        (
            name,
            toned("Windows Server 2022" if name.startswith("win") else "RHEL 8.9", "muted"),
            *(marked("passed", odd.get((name, column), Mark.DONE)) for column in range(2, 9)),
        )
        for name in names
    ]
    table = DataTable("Matrix")
    for column in range(2, 9):
        table.set_cell(column, MarkCell())
    table.setModel(Rows(titles, rows, table))
    table.selectRow(4)
    pane = DetailPane("Select a server to see what was found.")
    pane.show_detail(
        Detail(
            "srv-db-02 · Clock",
            Mark.BAD,
            "7 min 3 s behind AWS",
            "Signed requests more than 5 minutes off are refused, so the agent would register and never come online.",
            facts=(("Node", "mi-0a4c7f1b2d3e4f591"),),
            seen="server 13:55:09Z\nAWS    14:02:12Z\nchronyd inactive",
            remedy="Start time synchronisation.",
            commands=("systemctl enable --now chronyd",),
            action="&Start time sync",
        )
    )
    row = QHBoxLayout()
    row.setSpacing(CARD_GAP)
    row.addWidget(table, 2)
    row.addWidget(pane, 1)
    frame.page.addLayout(row, 1)
    frame.footer.set_message("6 blocked servers will be left out")
    frame.footer.offer_command("onboard check --profile frankfurt.toml")
    return frame


def install() -> Frame:
    header = PageHeader(
        "Installing on 242 servers",
        "A server is done when Systems Manager reports it online and it has answered through Run Command.",
    )
    header.add_action(Button("&Pause"))
    header.add_action(Button("&Stop…"))
    frame = Frame(9, header)
    chips = Chips(
        "State",
        [
            Chip("all", "All"),
            Chip("online", "Online", Mark.DONE),
            Chip("running", "Running", Mark.HERE),
            Chip("failed", "Failed", Mark.BAD),
            Chip("waiting", "Waiting", Mark.TODO),
        ],
    )
    chips.set_counts({"all": 242, "online": 117, "running": 10, "failed": 1, "waiting": 114})
    chips.pick("running")
    retry = Button("&Retry failed")
    retry.setEnabled(False)
    frame.page.addLayout(bar(chips, retry))
    parts: list[tuple[str, float, str, Mark | None, str, str]] = [
        *((f"srv-app-0{n}", 1.0, "Online", Mark.DONE, "ok", f"mi-0a4c7f1b2d3e4f59{n}") for n in (1, 2, 3)),
        ("srv-db-01", 0.92, "Waiting for its answer", None, "accent", "mi-0f3d7f1b2d3e4f5a61"),
        ("win-ad-01", 0.7, "Registering", None, "accent", ""),
        ("win-ad-02", 0.55, "Installing", None, "accent", ""),
        ("srv-web-01", 0.3, "Copying the agent", None, "accent", ""),
        ("srv-web-02", 0.45, "Failed: dpkg is locked by unattended-upgrades", Mark.BAD, "bad", ""),
        ("srv-web-03", 0.0, "Waiting", Mark.TODO, "idle", ""),
        ("srv-web-04", 0.0, "Waiting", Mark.TODO, "idle", ""),
    ]
    rows: list[tuple[object, ...]] = [
        (
            name,
            (f"{done:.0%}", {CellRole.PROGRESS: done, CellRole.TONE: tone}),
            (step, {CellRole.MARK: mark, CellRole.TONE: None if mark else "text"}),
            toned(node, "muted"),
        )
        for name, done, step, mark, tone, node in parts
    ]
    table = DataTable("Servers")
    table.set_cell(1, ProgressCell())
    table.set_cell(2, StatusCell())
    table.set_cell(3, TextCell(fixed=True))
    table.setModel(Rows(("Server", "Progress", "Step", "Node"), rows, table))
    table.selectRow(7)
    frame.page.addWidget(table, 1)
    empty = DataTable("Nothing")
    empty.set_empty("No servers yet", "Onboard takes them from a list, or one by one.", "&Import a list…", "import")
    empty.setModel(Rows(("Name", "Address"), [], empty))
    frame.page.addWidget(empty, 1)
    frame.footer.set_primary("&Next: Finish", enabled=False)
    frame.footer.set_back(False)
    frame.footer.set_message("You can close this window: the run stops cleanly and can be resumed.")
    return frame


def region() -> Frame:
    header = PageHeader(
        "Nearest Region",
        "Time to open a TCP connection to Systems Manager in each Region, measured from this computer and from "
        "srv-db-01. Your servers talk to the Region you choose, so theirs counts.",
    )
    frame = Frame(3, header)
    medians = [
        ("Frankfurt", "eu-central-1", 3.8, 0.6, ("nearest", "ok")),
        ("Zurich", "eu-central-2", 4.5, 0.6, ("not enabled", "idle")),
        ("Milan", "eu-south-1", 7.3, 0.7, ("not enabled", "idle")),
        ("Paris", "eu-west-3", 7.9, 0.7, ("", "")),
        ("London", "eu-west-2", 10.8, 0.8, ("", "")),
        ("Spain", "eu-south-2", 16.2, 1.0, ("tied", "warn")),
        ("Ireland", "eu-west-1", 16.7, 1.1, ("", "")),
        ("Stockholm", "eu-north-1", 19.0, 1.2, ("", "")),
        ("Tel Aviv", "il-central-1", 39.3, 2.0, ("", "")),
        ("Virginia", "us-east-1", 88.1, 9.0, ("loses 4 %", "bad")),
    ]
    rows: list[tuple[object, ...]] = [
        (
            name,
            toned(code, "muted"),
            f"{median:.1f}",
            toned(f"± {spread:.1f}", "muted"),
            (
                f"{median:.1f} ms",
                {
                    CellRole.LATENCY: (median, median - spread, median + spread),
                    CellRole.TONE: "ok" if median < 30 else "accent",
                },
            ),
            toned(f"{median + 0.6:.1f}", "muted"),
            (badge[0], {CellRole.TONE: badge[1]}),
        )
        for name, code, median, spread, badge in medians
    ]
    table = DataTable("Regions")
    table.set_cell(1, TextCell(fixed=True, gives=False))
    for column in (2, 3, 5):
        table.set_cell(column, TextCell(number=True))
    bars = LatencyCell()
    bars.set_longest(100)
    table.set_cell(4, bars)
    table.set_cell(6, BadgeCell())
    table.setModel(Rows(("Region", "", "median ms", "spread", "", "from srv-db-01", ""), rows, table))
    table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    table.selectRow(0)
    frame.page.addWidget(table, 1)
    frame.footer.set_message("Measured 14:02 today")
    return frame


def parts() -> Frame:
    frame = Frame(4, PageHeader("Parts", "What pages are made of besides tables."))
    banner = Banner(
        Mark.WARN,
        "61 servers show a key that nobody has approved.",
        "Compare the fingerprints with a list you trust, or approve them here.",
    )
    banner.add_button(Button("Compare with &known_hosts…"))
    banner.add_button(Button("&Review 61 keys"))
    frame.page.addWidget(banner)
    frame.page.addWidget(Banner(Mark.INFO, "The servers decide: they are nearer to Zurich than this computer is."))
    error = ErrorPanel()
    error.show_error(
        "AWS refused the request",
        where="iam:CreateRole",
        why="User arn:aws:iam::123456789012:user/ops may not do iam:CreateRole.",
        remedy="Ask for the policy that Copy as command prints, or reuse a role.",
    )
    frame.page.addWidget(error)
    form = KeyValueForm()
    form.add_row("role.name", "&Role name", QLineEdit("arn:aws:iam::123456789012:role/Nodes"))
    tier = QComboBox()
    tier.addItems(["Standard: up to 1,000 servers, no charge", "Advanced: more, charged by the hour"])
    form.add_row("tier", "&Tier", tier, "Standard is enough for 248 servers.")
    hours = QSpinBox()
    hours.setSuffix(" hours")
    form.add_row("expires", "&Expires after", hours)
    form.add_row("reuse", "Re&use", QCheckBox("Use the role when it exists"))
    form.set_error("role.name", "it is an ARN, which activations do not take", 'Write "Nodes"')
    card = Card("The role")
    card.body.addWidget(form)
    now = [0.0]
    busy = BusyIndicator(clock=lambda: now[0])
    busy.start("Measuring Regions")
    now[0] = 12.0
    busy.set_progress(118, 242)
    card.body.addWidget(busy)
    diff = TextView("Differences")
    diff.set_diff(
        '--- existing\n+++ needed\n@@ -3,4 +3,4 @@\n   "Effect": "Allow",\n'
        '-  "Action": "ssm:*"\n+  "Action": "ssm:UpdateInstanceInformation"\n }'
    )
    log = LogView("Log")
    log.append(
        Line(datetime(2026, 11, 24, 14, 9, n).astimezone(), f"srv-app-{n:02}", text, level)
        for n, (text, level) in enumerate(
            [("Online; asked for its nonce through Run Command", "info"), ("dpkg lock held by process 2214", "bad")] * 8
        )
    )
    right = QVBoxLayout()
    right.addWidget(diff)
    right.addWidget(log)
    row = QHBoxLayout()
    row.setSpacing(CARD_GAP)
    row.addWidget(card, 1)
    row.addLayout(right, 1)
    frame.page.addLayout(row, 1)
    return frame


PAGES = {"parts": parts, "start": start, "servers": servers, "checks": checks, "install": install, "region": region}


def make_theme(app: QApplication, arguments: argparse.Namespace) -> Theme:
    if arguments.family:
        font = QFont(arguments.family)
        font.setPointSizeF(arguments.points)
        app.setFont(font)
    return Theme(app, scheme=Scheme(arguments.scheme), text_scale=arguments.text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", nargs="*", help=f"of {', '.join(PAGES)}; all when none is named")
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
    for name in arguments.page or PAGES:
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
