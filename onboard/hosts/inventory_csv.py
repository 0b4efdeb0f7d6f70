"""Servers from a CSV file as spreadsheets and other tools write it, and to one.

What is guessed (delimiter, encoding, which column is what) is told, so that a person sees it before anything is done.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError

from onboard.lists.tags import parse_tags
from onboard.model import not_yet, validation
from onboard.model.errors import Problem
from onboard.model.formats import is_address, is_ip_address, shown
from onboard.model.profile import Host

DELIMITERS = (",", ";", "\t", "|")
FIELDS = ("name", "address", "port", "protocol", "credential", "tags")
_SAMPLE = 20
_HOSTS = TypeAdapter(list[Host])

# The words that head a column in spreadsheets and exports, written as `_squeezed` leaves them; the likeliest first.
# `host` alone is a name; beside a name it is an address.
_HEADERS = {
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


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file. `field` is one of FIELDS, `tag:KEY`, or "" for one that is not used, and `why` says why."""

    header: str
    field: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Preview:
    """What was guessed. `rows` are the first ones, the cells of used columns only: others may hold secrets.

    `delimiter` is "" when the file has one column.
    """

    encoding: str
    delimiter: str
    has_header: bool
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]

    @property
    def unused(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if not column.field)


@dataclass(frozen=True, slots=True)
class Inventory:
    """A list of servers. `lines` has the line of each of `hosts`; `problems` every mistake, by line."""

    preview: Preview
    hosts: tuple[Host, ...]
    lines: tuple[int, ...]
    problems: tuple[Problem, ...]


class Record(NamedTuple):
    """The cells of one row, trimmed, and the line it begins in."""

    line: int
    cells: list[str]


def decoded(data: bytes) -> tuple[str, str]:
    """The text of a file and its encoding: by its byte order mark, else UTF-8, else as Windows writes text."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(encoding, errors="replace"), encoding
    if b"\0" in data[:200]:
        encoding = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        return data.decode(encoding, errors="replace"), encoding
    for encoding in ("utf-8", "cp1252"):
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def parse_csv(text: str, encoding: str, name: str) -> Inventory:
    """The servers of a CSV text. `name` is how messages call the file: `servers.csv line 7: port`."""
    first_line, text = _declared_delimiter(text)
    delimiter = first_line or _guessed_delimiter(text)
    records, problems = _records(text, delimiter or ",", name)
    columns, has_header = _columns(records)
    body = records[1:] if has_header else records
    preview = Preview(
        encoding=encoding,
        delimiter=delimiter if len(columns) > 1 else "",
        has_header=has_header,
        columns=columns,
        rows=tuple(tuple(_used(columns, record.cells)) for record in body[:5]),
    )
    if body and not any(column.field in ("name", "address") for column in columns):
        headers = ", ".join(shown(column.header) for column in columns if column.header)
        problem = (
            f"no column holds names or addresses; its headers are {headers}" if headers else "no servers are in it"
        )
        problems.append(Problem(name, problem, "Head the columns name, address, port; or list one address a line"))
        body = []
    fields = [column.field for column in columns if column.field]
    twice = sorted({field for field in fields if fields.count(field) > 1})
    problems += [Problem(name, f"several columns are headed {shown(field)}", "Keep one of them") for field in twice]
    hosts, lines, mistakes = _hosts(body, columns, name)
    return Inventory(preview, tuple(hosts), tuple(lines), (*problems, *mistakes))


def render_csv(hosts: Iterable[Host], delimiter: str = ",") -> str:
    """Servers as CSV that `parse_csv` reads back equal, with the columns that are used and one for each tag key."""
    rows = [_row(host) for host in hosts]
    used = {field for row in rows for field, text in row.items() if text}
    tag_columns = sorted(field for field in used if field.startswith("tag:"))
    columns = ["name", *(field for field in FIELDS[1:] if field in used), *tag_columns]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter or ",", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return out.getvalue()


def _row(host: Host) -> dict[str, str]:
    set_fields = {"name": host.name, "address": host.address, "port": str(host.port or "")}
    set_fields["protocol"] = "" if host.protocol == "ssh" else host.protocol.value
    set_fields["credential"] = "" if host.credential == "default" else host.credential
    # An empty cell under tag:KEY is a server without that tag, so a tag without value stands as KEY= among `tags`.
    set_fields["tags"] = "; ".join(f"{key}=" for key, value in host.tags.items() if not value)
    return set_fields | {f"tag:{key}": value for key, value in host.tags.items() if value}


def _declared_delimiter(text: str) -> tuple[str, str]:
    """Excel's own way to name the delimiter, a first line `sep=;`: the delimiter or "", and the text without it."""
    match = re.match(r'"?sep=([,;|\t])"?[ \t]*(?=\r?\n|\Z)', text, re.IGNORECASE)
    return (match[1], text[match.end() :]) if match else ("", text)


def _guessed_delimiter(text: str) -> str:
    """The delimiter that makes most headers known, else one that cuts lines into equally many cells."""
    sample = "".join(text.splitlines(keepends=True)[: 4 * _SAMPLE])
    best, best_score = "", (0, 0.0, 1)
    for delimiter in DELIMITERS:
        rows = [record.cells for record in _records(sample, delimiter, "")[0][:_SAMPLE]]
        if not rows or len(rows[0]) < 2:
            continue
        alike = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        score = (sum(map(_is_header, rows[0])), alike, len(rows[0]))
        if score > best_score and (score[0] or alike > 0.5):
            best, best_score = delimiter, score
    return best


def _records(text: str, delimiter: str, name: str) -> tuple[list[Record], list[Problem]]:
    """The rows that are neither blank nor comments. Reading ends at the first line whose quotes make no sense."""
    reader = csv.reader(_without_comments(text), delimiter=delimiter, strict=True)
    records: list[Record] = []
    line = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                records.append(Record(line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        remedy = 'Close every quote, and write a quote inside a quoted cell twice: ""'
        return records, [
            Problem(f"{name} line {line}", f"the file cannot be read as CSV from here on: {error}", remedy)
        ]
    return records, []


def _without_comments(text: str) -> Iterator[str]:
    """The lines, those that begin with # emptied so that the others keep their numbers; never inside a quoted cell."""
    quoted = False
    for line in io.StringIO(text, newline=""):
        if not quoted and line.lstrip().startswith("#"):
            yield "\n"
        else:
            quoted ^= line.count('"') % 2 == 1
            yield line


def _squeezed(header: str) -> str:
    return re.sub(r"[\s_.-]+", "", header.casefold())


def _is_header(cell: str) -> bool:
    word = _squeezed(cell)
    return any(word in words for words in _HEADERS.values()) or bool(_TAG_COLUMN.fullmatch(cell))


def _columns(records: Sequence[Record]) -> tuple[tuple[Column, ...], bool]:
    """What each column is, and whether the first row says so."""
    if not records:
        return (), False
    first = records[0].cells
    if any(map(_is_header, first)) and not any(map(is_ip_address, first)):
        return _headed_columns(first), True
    return _guessed_columns([record.cells for record in records[:_SAMPLE]]), False


def _headed_columns(headers: Sequence[str]) -> tuple[Column, ...]:
    words = [_squeezed(header) for header in headers]
    taken: dict[int, str] = {}
    for field, synonyms in _HEADERS.items():
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
    return Column(header, "", "another column is taken for it" if _is_header(header) else "not known")


def _guessed_columns(rows: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    """Without headers: the column of IP addresses, one of ports, and of the rest the first that may be names.

    Most cells decide, so that a mistyped cell is told as a mistake instead of taking its column away. Without IP
    addresses only names with a domain are taken for servers: any word could be the name of one.
    """
    width = len(rows[0])
    if width == 1:
        return (Column("", "address"),)
    fields = [""] * width
    for field in ("address", "port", "name"):
        looks = {"address": is_ip_address, "port": str.isdecimal, "name": is_address}[field]
        if field == "name" and "address" not in fields:
            looks = _has_domain
        for index in range(width):
            cells = [row[index] for row in rows if index < len(row) and row[index]]
            if not fields[index] and cells and 2 * sum(map(looks, cells)) > len(cells):
                fields[index] = field
                break
    return tuple(Column("", field, "" if field else "it has no heading") for field in fields)


def _has_domain(cell: str) -> bool:
    return is_address(cell) and "." in cell.rstrip(".")


def _used(columns: Sequence[Column], cells: Sequence[str]) -> Iterator[str]:
    return (cell for column, cell in zip(columns, cells, strict=False) if column.field)


def _hosts(
    records: Sequence[Record], columns: Sequence[Column], name: str
) -> tuple[list[Host], list[int], list[Problem]]:
    """The servers of rows, all rows at once; the lines of those that are right; and what is wrong with the others."""
    problems: list[Problem] = []
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for record in records:
        row, mistakes = _fields(record, columns, f"{name} line {record.line}")
        mistakes += not_yet.in_host(row, f"{name} line {record.line}: ")
        problems += mistakes
        if not mistakes:
            rows.append(row)
            lines.append(record.line)
    try:
        return _HOSTS.validate_python(rows), lines, problems
    except ValidationError as error:
        errors = error.errors(include_url=False)
    wrong = {int(mistake["loc"][0]) for mistake in errors}
    for mistake in errors:
        index, *keys = mistake["loc"]
        key = "".join(f": {part}" for part in keys[:1])
        problems.append(validation.wrong_value(f"{name} line {lines[int(index)]}{key}", mistake))
    kept = [index for index in range(len(rows)) if index not in wrong]
    return _HOSTS.validate_python([rows[index] for index in kept]), [lines[index] for index in kept], problems


def _fields(record: Record, columns: Sequence[Column], place: str) -> tuple[dict[str, Any], list[Problem]]:
    """A row's cells as a server's keys. Empty cells leave the key to its default."""
    row: dict[str, Any] = {}
    tags: dict[str, str] = {}
    problems: list[Problem] = []
    if len(record.cells) > len(columns) and any(record.cells[len(columns) :]):
        problem = f"it has {len(record.cells)} cells, and the list has {len(columns)} columns"
        problems.append(Problem(place, problem, "Put cells that hold the delimiter in quotes"))
    for column, cell in zip(columns, record.cells, strict=False):
        if not cell or not column.field:
            continue
        match column.field:
            case "port":
                if cell.isascii() and cell.isdecimal() and len(cell) < 10:
                    row["port"] = int(cell)
                else:
                    problems.append(
                        Problem(
                            f"{place}: port", f"{shown(cell)} is not a valid port", "Write a number from 1 to 65535"
                        )
                    )
            case "protocol":
                row["protocol"] = cell.casefold()
            case "tags":
                found, wrong = parse_tags(cell, f"{place}: tags")
                problems += wrong
                problems += _added(tags, found, place)
            case field if field.startswith("tag:"):
                problems += _added(tags, {field.removeprefix("tag:"): cell}, place)
            case field:
                row[field] = cell
    if tags:
        row["tags"] = tags
    row.setdefault("name", row.get("address", ""))
    if row["name"] and "address" not in row and not is_address(row["name"]):
        problem = f"it is missing, and {shown(row['name'])} is not a valid address"
        problems.append(Problem(f"{place}: address", problem, "Add it"))
    return row, problems


def _added(tags: dict[str, str], more: Mapping[str, str], place: str) -> list[Problem]:
    """Put `more` into `tags`; what is wrong where a tag has another value already."""
    return [
        Problem(f"{place}: tags", f"the tag {shown(key)} has two values", "Keep one of them")
        for key, value in more.items()
        if tags.setdefault(key, value) != value
    ]
