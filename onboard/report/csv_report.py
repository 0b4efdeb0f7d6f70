"""A run as a table that any spreadsheet opens: one line for each server."""

import csv
import io
from collections.abc import Mapping
from typing import Any

from onboard.report.document import system, why

COLUMNS = ("server", "status", "instance_id", "reason", "remedy", "system")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula


def csv_report(document: Mapping[str, Any]) -> str:
    """RFC 4180, with a header, in UTF-8 once encoded. What a server said is never read as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for host in document["hosts"]:
        writer.writerow([_harmless(cell) for cell in _cells(host)])
    return out.getvalue()


def _cells(host: Mapping[str, Any]) -> tuple[str, ...]:
    reasons = why(host)
    return (
        host["name"],
        host["status"] or "",
        host["instance_id"] or "",
        "; ".join(reason for reason, _ in reasons),
        "; ".join(dict.fromkeys(remedy for _, remedy in reasons if remedy)),
        system(host),
    )


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
