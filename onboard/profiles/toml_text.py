"""A profile's TOML: reading it, and writing changes into it so that comments and order stay."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Array, Table

from onboard.model.errors import Problem
from onboard.model.formats import has_typographic_quotes
from onboard.model.profile import Host, Profile

_TOO_DEEP = "its brackets are nested too deeply, or a key has too many parts"
DEPTH = 50  # levels; a profile has four
_ESCAPES = ("Unescaped", "Invalid hex value", "Escaped character")  # how tomllib reports a wrong one
_PLACE = re.compile(r" \((?:at line (?P<line>\d+), column (?P<column>\d+)|at end of document)\)$")


def parsed(data: bytes) -> tuple[dict[str, Any], Problem | None]:
    """The content of a TOML file; or {} and what is wrong with its syntax, with line and column."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return {}, Problem(f"line {line}", "the file is not UTF-8 text", "Save it as UTF-8 in the editor")
    try:
        content = tomllib.loads(text)
        _refuse_depth(content)
        return content, None
    except RecursionError:
        return {}, Problem("the file", _TOO_DEEP, "Correct the brackets")
    except ValueError as error:  # TOMLDecodeError is one; numbers of thousands of digits raise the plain one
        return {}, _syntax_problem(text, str(error))


def _refuse_depth(content: dict[str, Any]) -> None:
    """Raises RecursionError for content that is nested too deeply to walk, such as a key with thousands of dots."""
    level: list[Any] = [content]
    for _ in range(DEPTH):
        below = [value.values() if isinstance(value, dict) else value for value in level]
        level = [inner for values in below for inner in values if isinstance(inner, dict | list)]
        if not level:
            return
    raise RecursionError


def _syntax_problem(text: str, message: str) -> Problem:
    """In words that do not repeat the line: it may contain a secret."""
    lines = text.splitlines() or [""]
    place = _PLACE.search(message)
    if place is None:
        return Problem("the file", "it holds a value that TOML does not allow", "Correct it")
    line = int(place["line"] or len(lines))
    column = int(place["column"] or len(lines[-1]) + 1)
    key = f"line {line}, column {column}"
    what = re.sub(r"'[^']*'|\"[^\"]*\"", "…", message[: place.start()])
    if line <= len(lines) and has_typographic_quotes(lines[line - 1]):
        return Problem(key, "the line contains typographic quotes", 'Write straight ones: "…"')
    if message.startswith(_ESCAPES) and line <= len(lines) and "\\" in lines[line - 1]:
        problem = "a backslash between double quotes stands before a letter that means something else"
        return Problem(key, problem, r"Write paths between single quotes, such as 'C:\Users\me\.ssh\id_ed25519'")
    remedy = 'Write KEY = "TEXT", KEY = NUMBER, or [SECTION]'
    if "overwrite" in what or "twice" in what or "declare" in what:
        remedy = "Every key and section stands once"
    return Problem(key, f"it is not TOML: {what[:1].lower()}{what[1:]}", remedy)


def changed(text: str, old: Profile, new: Profile, new_inline: Sequence[Host]) -> str:
    """The TOML text of `old` made to say `new`, touching only what differs. `new_inline`: the servers to keep in it.

    Raises ValueError when the text's form is beyond tomlkit.
    """
    unix = text.replace("\r\n", "\n")
    try:
        document = tomlkit.parse(unix)
        if not text.strip():
            document["schema"] = new.schema_
        _write_table(document, _settings(old), _settings(new))
        _write_hosts(document, new_inline)
        written = document.as_string()
    except (TOMLKitError, RecursionError) as error:
        raise ValueError("tomlkit does not understand the file") from error
    return written.replace("\n", "\r\n") if "\r\n" in text else written


def _settings(profile: Profile) -> dict[str, Any]:
    """All that differs from the defaults, servers apart, in TOML's types."""
    settings: dict[str, Any] = profile.model_dump(
        mode="json", by_alias=True, exclude={"hosts"}, exclude_defaults=True, exclude_none=True
    )
    return settings


def _write_table(
    table: Any, old: Mapping[str, Any], new: Mapping[str, Any], section: Callable[[], Any] = tomlkit.table
) -> None:
    """Write what differs; `section` makes the tables that are not there yet."""
    for key in old.keys() - new.keys():
        table.pop(key, None)
    for key, value in new.items():
        if key in old and old[key] == value:
            continue
        if not isinstance(value, dict):
            table[key] = value
            continue
        if key not in table:
            table[key] = section()
        _write_table(table[key], old.get(key, {}), value, section)


def _write_hosts(document: tomlkit.TOMLDocument, hosts: Sequence[Host]) -> None:
    """Make the file's own list of servers say `hosts`; those that stay keep their tables, comments and all."""
    rows: Any = document.get("hosts", [])
    before = [_keys(Host.model_validate(row.unwrap())) for row in rows]
    wanted = [_keys(host) for host in hosts]
    if before == wanted:
        return
    if not wanted:
        document.pop("hosts")
        return
    old = {keys["name"]: keys for keys in before}
    if not _fit_rows(rows, list(old), wanted) or len(old) < len(before):
        rows = _new_rows(document, rows, wanted)
    for row, keys in zip(rows, wanted, strict=True):
        _write_table(row, old.get(keys["name"], keys), keys, tomlkit.inline_table)


def _fit_rows(rows: Any, names: Sequence[str], wanted: Sequence[Mapping[str, Any]]) -> bool:
    """Delete and append rows where that is enough to get those `wanted`, in their order."""
    order = [keys["name"] for keys in wanted]
    kept = [name for name in names if name in order]
    if not kept or order[: len(kept)] != kept or len(set(order)) < len(order):
        return False
    for index in reversed(range(len(names))):
        if names[index] not in order:
            del rows[index]
    for keys in wanted[len(kept) :]:
        rows.append(_filled(tomlkit.inline_table() if isinstance(rows, Array) else tomlkit.table(), keys))
    return True


def _new_rows(document: tomlkit.TOMLDocument, rows: Any, wanted: Sequence[Mapping[str, Any]]) -> Any:
    """A new list in the order of `wanted`, made of the tables there are as far as they have those names."""
    kept = {row["name"]: row for row in rows if isinstance(row, Table)}
    fresh = tomlkit.aot()
    for keys in wanted:
        fresh.append(kept.pop(keys["name"], None) or _filled(tomlkit.table(), keys))
    document.pop("hosts", None)
    document.append("hosts", fresh)
    return document["hosts"]


def _filled(table: Any, keys: Mapping[str, Any]) -> Any:
    _write_table(table, {}, keys, tomlkit.inline_table)
    return table


def _keys(host: Host) -> dict[str, Any]:
    keys: dict[str, Any] = host.model_dump(mode="json", exclude_defaults=True)
    return keys
