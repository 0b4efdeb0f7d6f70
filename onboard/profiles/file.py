"""Profiles on disk: one TOML file, with a CSV of servers next to it when there are many."""

import os
import shutil
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from onboard.files import read_regular
from onboard.lists import csv_list
from onboard.lists.reader import ListFile, ParsedTable
from onboard.model import validation
from onboard.model.errors import OnboardError, Problem, ProfileError
from onboard.model.formats import shown
from onboard.model.profile import Credential, Host, Profile
from onboard.profiles import mistakes, toml_text, upgrades

INLINE_LIMIT = 200  # servers kept in the TOML file itself; more go to a CSV next to it


@dataclass(frozen=True, slots=True)
class _Read:
    """What is on disk. `inline`: how many of `profile.hosts` are in the TOML file; the others are in `listed`."""

    text: str
    profile: Profile
    inline: int
    listed: ParsedTable | None
    places: tuple[str, ...]
    credentials: frozenset[str]
    problems: tuple[Problem, ...]


def stamp(path: Path) -> tuple[int, int] | None:
    """What changes whenever a profile's file is written; None when there is no file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def load(path: Path) -> Profile:
    """The profile in a file, with the servers of its `hosts_file`, and paths in it made absolute.

    Raises ProfileError with everything that is wrong in both files.
    """
    read = _read(path)
    problems = (
        *read.problems,
        *_empty_list(read),
        *mistakes.contradictions(read.profile, read.places, read.credentials, path.parent),
    )
    if problems:
        raise ProfileError(str(path), problems)
    return _with_absolute_paths(read.profile, path.parent)


def _empty_list(read: _Read) -> Iterator[Problem]:
    """A list is there to hold servers; one beside servers in the TOML file may have lost its last."""
    if read.listed is not None and not read.profile.hosts and not read.listed.problems:
        yield Problem("hosts_file", "it contains no servers", "Add a line for each server below its header")


def load_unfinished(path: Path) -> Profile:
    """As `load`, of a profile whose keys may still contradict each other, such as servers without their credential."""
    read = _read(path)
    if read.problems:
        raise ProfileError(str(path), read.problems)
    return _with_absolute_paths(read.profile, path.parent)


def save(profile: Profile, path: Path) -> Profile:
    """Write a profile, keeping comments, order and whatever did not change; the profile as it was written.

    Nothing is written when nothing changed. Else each file is replaced as a whole, and the previous one stays next to
    it with `.bak` added to its name. Servers beyond INLINE_LIMIT go to a CSV file, so `hosts_file` may be set in the
    result; there the servers of the TOML file come first. A half-finished profile may be saved: keys that contradict
    each other are found by `load`.

    Raises ProfileError when a file already there has mistakes, which writing would hide, and OnboardError when the
    disk refuses.
    """
    path = path.resolve()
    old = _read(path) if path.exists() else _Read("", Profile(), 0, None, (), frozenset(), ())
    if old.problems:
        raise ProfileError(str(path), old.problems)
    names = {host.name for host in old.profile.hosts[: old.inline]}
    inline = [host for host in profile.hosts if host.name in names]
    others = [host for host in profile.hosts if host.name not in names]
    hosts_file = profile.hosts_file
    if hosts_file is None and len(profile.hosts) <= INLINE_LIMIT:
        inline, others = list(profile.hosts), []
    elif hosts_file is None and others:
        hosts_file = _free_name(path)
    written = profile.model_copy(update={"hosts_file": hosts_file, "hosts": (*inline, *others)})
    if hosts_file is not None:
        listed = old.listed if hosts_file == old.profile.hosts_file else None
        _save_hosts(others, mistakes.located(hosts_file, path.parent), listed)
    _save_toml(written, inline, path, old)
    return written


def _read(path: Path) -> _Read:
    """Raises ProfileError unless the file is readable TOML of a known schema; other mistakes go to `problems`."""
    try:
        data = read_regular(path)
    except OSError as error:
        problem = Problem(
            str(path), f"it cannot be read: {error.strerror}", "Name a profile that exists and may be read"
        )
        raise ProfileError(str(path), (problem,)) from error
    content, problem_found = toml_text.parsed(data)
    problem_found = problem_found or upgrades.schema_problem(content)
    if problem_found:
        raise ProfileError(str(path), (problem_found,))
    checked = mistakes.validated(upgrades.upgraded(content))
    places = [f"hosts[{index}]." for index in checked.indexes]
    problems = list(checked.problems)
    profile, inline, listed = checked.profile, len(checked.profile.hosts), None
    if profile.hosts_file is not None:
        listed, hosts_problems = _read_hosts(profile.hosts_file, path.parent)
        problems += hosts_problems
    if listed is not None:
        name = Path(profile.hosts_file or "").name
        places += [f"{name} line {line}: " for line in listed.lines]
        profile = profile.model_copy(update={"hosts": (*profile.hosts, *listed.hosts)})
    return _Read(
        text=data.decode("utf-8-sig"),
        profile=profile,
        inline=inline,
        listed=listed,
        places=tuple(places),
        credentials=checked.credentials,
        problems=tuple(problems),
    )


def _read_hosts(hosts_file: str, folder: Path) -> tuple[ParsedTable | None, Sequence[Problem]]:
    """The profile's own list of servers. Columns that are not known are refused here: saving would lose them."""
    file = mistakes.located(hosts_file, folder)
    try:
        data = read_regular(file)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a path"
        remedy = "Name a CSV file; a relative path starts at the profile's folder"
        return None, (Problem("hosts_file", f"{shown(hosts_file)} cannot be read: {why}", remedy),)
    listed = csv_list.READER.parse(ListFile.of(data, file.name), unfinished=True)
    known = ("name", "address", "port", "protocol", "credential", "tags", "tag:KEY")
    unused = [
        validation.unknown_problem(f"{file.name}: column {shown(column.header)}", column.header, known)
        for _, column in listed.preview.unused
    ]
    return listed, (*unused, *listed.problems)


def _with_absolute_paths(profile: Profile, folder: Path) -> Profile:
    """Paths as the rest of the program can use them, wherever it runs."""
    folder = folder.absolute()
    source = profile.agent.source
    if source != "aws" and "://" not in source:
        agent = profile.agent.model_copy(update={"source": str(mistakes.located(source, folder))})
        profile = profile.model_copy(update={"agent": agent})
    credentials = {name: _with_absolute_key(credential, folder) for name, credential in profile.credentials.items()}
    return profile.model_copy(update={"credentials": credentials})


def _with_absolute_key(credential: Credential, folder: Path) -> Credential:
    if credential.key_file is None:
        return credential
    return credential.model_copy(update={"key_file": str(mistakes.located(credential.key_file, folder))})


def _free_name(path: Path) -> str:
    """An unused file name for the list of servers, in the profile's folder."""
    for number in range(1, 1000):
        name = f"{path.stem}-hosts{'' if number == 1 else f'-{number}'}.csv"
        if not (path.parent / name).exists():
            return name
    raise OnboardError("no free name for the list of servers", where=str(path.parent), remedy="Set hosts_file yourself")


def _save_hosts(hosts: Sequence[Host], file: Path, old: ParsedTable | None) -> None:
    if old is not None and old.hosts == tuple(hosts):
        return
    if old is None and not hosts and file.exists():
        return  # the profile was just pointed at a list that it has not loaded yet
    delimiter, encoding = ",", "utf-8"
    if old is not None:
        delimiter = old.preview.delimiter or ","
        # A spreadsheet that wants a byte order mark still gets one.
        encoding = "utf-8-sig" if old.preview.encoding in ("utf-8-sig", "utf-16", "utf-32") else "utf-8"
    _replace(file, csv_list.render_csv(hosts, delimiter).encode(encoding))


def _save_toml(profile: Profile, inline: Sequence[Host], path: Path, old: _Read) -> None:
    try:
        text = toml_text.changed(old.text, old.profile, _with_paths_of(profile, old.profile, path.parent), inline)
    except ValueError as error:
        raise OnboardError(
            "the profile could not be changed without losing its formatting",
            where=str(path),
            why=str(error),
            remedy="Simplify the file, or save under another name",
        ) from error
    if text != old.text:
        _replace(path, text.encode())


def _with_paths_of(profile: Profile, old: Profile, folder: Path) -> Profile:
    """The profile with paths as the file has them, where they lead to the same place."""

    def as_before(new_path: str | None, old_path: str | None) -> str | None:
        if new_path and old_path and mistakes.located(new_path, folder) == mistakes.located(old_path, folder):
            return old_path
        return new_path

    credentials = {
        name: credential.model_copy(update={"key_file": as_before(credential.key_file, before.key_file)})
        if (before := old.credentials.get(name))
        else credential
        for name, credential in profile.credentials.items()
    }
    agent = profile.agent.model_copy(update={"source": as_before(profile.agent.source, old.agent.source)})
    return profile.model_copy(update={"credentials": credentials, "agent": agent})


def _replace(path: Path, data: bytes) -> None:
    """Put `data` in the file's place in one move, so that it is never half-written; keep what was there as .bak."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    kept = temporary.with_name(f"{temporary.name}.bak")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if path.exists():
                shutil.copymode(path, temporary)
                shutil.copy2(path, kept)
                kept.replace(path.with_name(f"{path.name}.bak"))  # a link there is replaced, never written through
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
            kept.unlink(missing_ok=True)
    except (OSError, ValueError) as error:
        raise OnboardError(
            "the file could not be written",
            where=str(path),
            why=(error.strerror if isinstance(error, OSError) else None) or "it is not a path",
            remedy="Check that the folder exists, is writable and has free space",
        ) from error
