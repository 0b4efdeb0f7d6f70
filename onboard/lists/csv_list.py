"""Servers from a CSV file as spreadsheets and other tools write it, and to one.

What is guessed (delimiter, encoding, which column is what) is in the preview, for a person to see before the import.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from onboard.lists.csv_columns import SAMPLE, columns_of, is_heading
from onboard.lists.reader import Column, ListFile, ParsedTable, Preview
from onboard.lists.tags import parse_tags
from onboard.model import not_yet, validation
from onboard.model.errors import Problem
from onboard.model.formats import is_address, shown
from onboard.model.profile import Host

_DELIMITERS = (",", ";", "\t", "|")
_FIELDS = ("name", "address", "port", "protocol", "credential", "tags")
_HOSTS = TypeAdapter(list[Host])


class Record(NamedTuple):
    """The cells of one row, trimmed, and the line it begins in."""

    line: int
    cells: list[str]


class CsvList:
    """Any text can be CSV, so the catalog lists this reader last."""

    title = "CSV"
    suffixes = (".csv", ".tsv", ".txt")

    def recognises(self, file: ListFile) -> bool:
        return True

    def parse(self, file: ListFile, *, unfinished: bool = False) -> ParsedTable:
        """`unfinished`: accept servers that have no address yet, for a profile that says so itself."""
        declared, text = _declared_delimiter(file.text)
        delimiter = declared or _guessed_delimiter(text)
        records, broken_off = _records(text, delimiter or ",", file.name)
        columns, has_header = columns_of([record.cells for record in records])
        body = records[1:] if has_header else records
        preview = Preview(
            encoding=file.encoding,
            delimiter=delimiter if len(columns) > 1 else "",
            has_header=has_header,
            columns=columns,
            rows=tuple(tuple(_used(columns, record.cells)) for record in body[:5]),
        )
        problems = _column_problems(columns, file.name) if body else []
        if not _holds_servers(columns):
            body = []
        hosts, lines, mistakes = _hosts(body, columns, file.name, unfinished)
        return ParsedTable(tuple(hosts), tuple(lines), (*problems, *mistakes, *broken_off), preview)


READER = CsvList()


def _holds_servers(columns: Sequence[Column]) -> bool:
    return any(column.field in ("name", "address") for column in columns)


def _column_problems(columns: Sequence[Column], name: str) -> list[Problem]:
    """What is wrong with the columns as a whole."""
    problems: list[Problem] = []
    if not _holds_servers(columns):
        headings = ", ".join(shown(column.header) for column in columns if column.header)
        problem = "no column holds names or addresses" + (f"; its headings are {headings}" if headings else "")
        problems.append(Problem(name, problem, "Head the columns name, address, port; or list one address per line"))
    fields = [column.field for column in columns if column.field]
    twice = sorted({field for field in fields if fields.count(field) > 1})
    return problems + [
        Problem(name, f"several columns have the heading {shown(field)}", "Keep one of them") for field in twice
    ]


def render_csv(hosts: Iterable[Host], delimiter: str = ",") -> str:
    """Servers as CSV that `CsvList` reads back equal, with the columns that are used and one for each tag key."""
    rows = [_row(host) for host in hosts]
    used = {field for row in rows for field, text in row.items() if text}
    tag_columns = sorted(field for field in used if field.startswith("tag:"))
    columns = ["name", *(field for field in _FIELDS[1:] if field in used), *tag_columns]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter or ",", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([row.get(column, "") for column in columns] for row in rows)
    return out.getvalue()


def _row(host: Host) -> dict[str, str]:
    set_fields = {"name": host.name, "address": host.address, "port": str(host.port or "")}
    set_fields["protocol"] = "" if host.protocol == "ssh" else host.protocol.value
    set_fields["credential"] = "" if host.credential == "default" else host.credential
    # An empty cell under tag:KEY means that the server has no such tag, so an empty tag is written as KEY= in `tags`.
    set_fields["tags"] = "; ".join(f"{key}=" for key, value in host.tags.items() if not value)
    return set_fields | {f"tag:{key}": value for key, value in host.tags.items() if value}


def _declared_delimiter(text: str) -> tuple[str, str]:
    """Excel's own way to name the delimiter, a first line `sep=;`: the delimiter or "", and the text without it."""
    match = re.match(r'"?sep=([,;|\t])"?[ \t]*(?=\r?\n|\Z)', text, re.IGNORECASE)
    return (match[1], text[match.end() :]) if match else ("", text)


def _guessed_delimiter(text: str) -> str:
    """The delimiter that gives most headings that are known, else one that cuts lines into equally many cells."""
    sample = "".join(text.splitlines(keepends=True)[: 4 * SAMPLE])
    best, best_score = "", (0, 0.0, 1)
    for delimiter in _DELIMITERS:
        rows = [record.cells for record in _records(sample, delimiter, "")[0][:SAMPLE]]
        if not rows or len(rows[0]) < 2:
            continue
        alike = sum(len(row) == len(rows[0]) for row in rows) / len(rows)
        score = (sum(map(is_heading, rows[0])), alike, len(rows[0]))
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


def _used(columns: Sequence[Column], cells: Sequence[str]) -> Iterator[str]:
    return (cell for column, cell in zip(columns, cells, strict=False) if column.field)


def _hosts(
    records: Sequence[Record], columns: Sequence[Column], name: str, unfinished: bool
) -> tuple[list[Host], list[int], list[Problem]]:
    """The servers of rows, all rows at once; the lines of those that are right; and what is wrong with the others."""
    mistakes: list[tuple[int, Problem]] = []
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    for record in records:
        place = f"{name} line {record.line}"
        row, wrong = _fields(record, columns, place)
        wrong += not_yet.in_host(row, f"{place}: ")
        if row["name"] and "address" not in row and not is_address(row["name"]) and not unfinished:
            problem = f"it is missing, and {shown(row['name'])} is not a valid address"
            wrong.append(Problem(f"{place}: address", problem, "Add it"))
        mistakes += [(record.line, problem) for problem in wrong]
        if not wrong:
            rows.append(row)
            lines.append(record.line)
    hosts, refused = _validated(rows)
    for index, error in refused:
        key = "".join(f": {part}" for part in error["loc"][1:2])
        mistakes.append((lines[index], validation.wrong_value(f"{name} line {lines[index]}{key}", error)))
    left_out = {index for index, _ in refused}
    kept = [line for index, line in enumerate(lines) if index not in left_out]
    return hosts, kept, [problem for _, problem in sorted(mistakes, key=lambda mistake: mistake[0])]


def _validated(rows: Sequence[dict[str, Any]]) -> tuple[list[Host], list[tuple[int, ErrorDetails]]]:
    """The servers of the rows that are right, and each error of the others with its row's index."""
    try:
        return _HOSTS.validate_python(rows), []
    except ValidationError as error:
        refused = [(int(details["loc"][0]), details) for details in error.errors(include_url=False)]
    wrong = {index for index, _ in refused}
    return _HOSTS.validate_python([row for index, row in enumerate(rows) if index not in wrong]), refused


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
                    problem = f"{shown(cell)} is not a valid port"
                    problems.append(Problem(f"{place}: port", problem, "Write a number from 1 to 65535"))
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
    return row, problems


def _added(tags: dict[str, str], more: Mapping[str, str], place: str) -> list[Problem]:
    """Put `more` into `tags`; returns a problem for each tag that already has a different value."""
    return [
        Problem(f"{place}: tags", f"the tag {shown(key)} has two values", "Keep one of them")
        for key, value in more.items()
        if tags.setdefault(key, value) != value
    ]
