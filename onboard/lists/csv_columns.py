"""Which part of a server each column of a table gives: by its heading, or by what its cells look like."""

import re
from collections.abc import Callable, Sequence

from onboard.lists.reader import Column
from onboard.model import validation
from onboard.model.formats import is_address, is_ip_address

SAMPLE = 20  # rows that guesses look at

# The words that head a column in spreadsheets and exports, written as `_squeezed` leaves them; the likeliest first.
# `host` alone is a name; next to a name it is an address.
_HEADINGS = {
    "name": (
        "name", "hostname", "servername", "computername", "machinename", "vmname", "nodename", "server", "computer",
        "machine", "node", "vm", "host", "inventoryhostname", "dnsname", "fqdn",
    ),
    "address": (
        "address", "hostaddress", "ipaddress", "ip", "ipv4", "ipv4address", "primaryip", "primaryipaddress", "ipv6",
        "ipadresse", "adresse", "adresseip", "direccionip", "indirizzoip",
        "ansiblehost", "fqdn", "dnsname", "dns", "host", "hostname",
    ),
    "port": ("port", "sshport", "ansibleport"),
    "protocol": ("protocol", "transport"),
    "credential": ("credential", "credentials", "credentialname", "usergroup", "group"),
    "tags": ("tags", "tag", "labels"),
}  # fmt: skip
_TAG_COLUMN = re.compile(r"tag:\s*(?P<key>.+)", re.IGNORECASE)


def is_heading(cell: str) -> bool:
    """Whether a cell is a word that heads a column in the lists that people have."""
    word = _squeezed(cell)
    return any(word in words for words in _HEADINGS.values()) or bool(_TAG_COLUMN.fullmatch(cell))


def columns_of(rows: Sequence[Sequence[str]]) -> tuple[tuple[Column, ...], bool]:
    """What each column is, and whether the first row holds the headings."""
    if not rows:
        return (), False
    if any(map(is_heading, rows[0])) and not any(map(is_ip_address, rows[0])):
        return _headed_columns(rows[0]), True
    return _guessed_columns(rows[:SAMPLE]), False


def _headed_columns(headers: Sequence[str]) -> tuple[Column, ...]:
    words = [_squeezed(header) for header in headers]
    taken: dict[int, str] = {}
    for field, synonyms in _HEADINGS.items():
        ranked = [words.index(word) for word in synonyms if word in words and words.index(word) not in taken]
        if ranked:
            taken[ranked[0]] = field
    return tuple(_headed_column(header, taken.get(index, "")) for index, header in enumerate(headers))


def _headed_column(header: str, field: str) -> Column:
    if tag := _TAG_COLUMN.fullmatch(header):
        return Column(header, f"tag:{tag['key'].strip()}")
    if field:
        return Column(header, field)
    if validation.is_secret_key(header):
        return Column(header, "", "secrets are never taken from a list")
    return Column(header, "", "a different column is used for it" if is_heading(header) else "not known")


def _guessed_columns(rows: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    """Without headers: the column of IP addresses, one of ports, and of the rest the first that may be names.

    Most cells decide, so that a mistyped cell is reported as a mistake and its column still used. Without IP
    addresses only names with a domain are taken for servers: any word could be the name of one.
    """
    width = len(rows[0])
    if width == 1:
        return (Column("", "address"),)
    columns = [[row[index] for row in rows if index < len(row) and row[index]] for index in range(width)]
    fields = [""] * width

    def find(field: str, looks: Callable[[str], bool]) -> None:
        for index, cells in enumerate(columns):
            if not fields[index] and 2 * sum(map(looks, cells)) > len(cells):
                fields[index] = field
                break

    find("address", is_ip_address)
    find("port", str.isdecimal)
    find("name", is_address if "address" in fields else _has_domain)
    return tuple(Column("", field, "" if field else "no heading") for field in fields)


def _has_domain(cell: str) -> bool:
    return is_address(cell) and "." in cell.rstrip(".")


def _squeezed(header: str) -> str:
    return re.sub(r"[\s_.-]+", "", header.casefold())
