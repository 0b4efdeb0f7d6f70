"""A run as a table that any spreadsheet opens: one line for each server."""

import csv
import io
import re

from onboard.model.outcome import troubles
from onboard.model.state import HostState
from onboard.report.document import Report, system

COLUMNS = ("server", "status", "instance_id", "reason", "remedy", "system", "evidence")
# Where a formula begins: at the beginning of a cell, also after spaces and quotes. A spreadsheet that separates by
# semicolons or tabs takes the quotes here for text, and sees the beginnings of cells inside of what is one cell here.
_FORMULA = re.compile(r"""(^|[;\t\r\n])((?:[^\S\t\r\n]|["'])*)(?=[=+\-@＝＋－＠])""")


def csv_report(report: Report) -> str:
    """RFC 4180 with every cell quoted and a header, in UTF-8 once encoded. What a server said is never a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL)
    writer.writerow(COLUMNS)
    for host in report.state.hosts.values():
        writer.writerow([_harmless(cell) for cell in _cells(host, report)])
    return out.getvalue()


def _cells(host: HostState, report: Report) -> tuple[str, ...]:
    wrong = troubles(host)
    return (
        host.name,
        report.outcome(host) or "",
        host.instance_id or "",
        "; ".join(finding.summary for finding in wrong),
        "; ".join(dict.fromkeys(finding.remedy for finding in wrong if finding.remedy)),
        system(host),
        "; ".join(finding.evidence for finding in wrong if finding.evidence),
    )


def _harmless(cell: str) -> str:
    return _FORMULA.sub(r"\1'\2", cell)
