"""A run as a table that any spreadsheet opens: one line for each server."""

import csv
import io

from onboard.model.outcome import troubles
from onboard.model.state import HostState
from onboard.report.document import Report, system

COLUMNS = ("server", "status", "instance_id", "reason", "remedy", "system", "evidence")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula


def csv_report(report: Report) -> str:
    """RFC 4180, with a header, in UTF-8 once encoded. What a server said is never read as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
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
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
