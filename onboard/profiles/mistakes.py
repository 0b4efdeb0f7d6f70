"""Everything that is wrong with a profile's content, at once."""

import copy
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from onboard.hosts.credentials import variable_name
from onboard.lists.merge import duplicates
from onboard.model import not_yet, validation
from onboard.model.changes import STEPS
from onboard.model.errors import Problem
from onboard.model.formats import TAG_LIMIT, is_address, key_text, shown
from onboard.model.profile import Credential, CredentialKind, Host, Profile, Section
from onboard.model.words import servers


@dataclass(frozen=True, slots=True)
class Validated:
    """What is right of a profile's content, and what is wrong with single keys of it.

    profile      where something is wrong, what is left without it, so that the rest can be looked at too
    indexes      the position of each of `profile.hosts` in the file's own list of servers
    credentials  the names of all credentials in the file, right or wrong
    """

    profile: Profile
    problems: tuple[Problem, ...]
    indexes: tuple[int, ...]
    credentials: frozenset[str]


def validated(data: Mapping[str, Any]) -> Validated:
    """Look at every key of a file's content by itself."""
    problems = list(not_yet.in_profile(data))
    hosts = data["hosts"] if isinstance(data.get("hosts"), list) else []
    for index, host in enumerate(hosts):
        if isinstance(host, dict):
            problems += not_yet.in_host(host, f"hosts[{index}].")
    credentials = frozenset(data["credentials"] if isinstance(data.get("credentials"), dict) else ())
    indexes = list(range(len(hosts)))
    rest = data
    while True:  # a mistake can hide another one in the same value; each round takes out those it found
        try:
            return Validated(Profile.model_validate(rest), tuple(problems), tuple(indexes), credentials)
        except ValidationError as error:
            errors = error.errors(include_url=False)
        problems += [_problem(error, indexes) for error in errors]
        rest, wrong = _without_errors(rest, errors)
        indexes = [index for position, index in enumerate(indexes) if position not in wrong]


def contradictions(
    profile: Profile, places: Sequence[str], credentials: Collection[str], folder: Path
) -> Iterator[Problem]:
    """What is wrong between keys, or with files they name.

    `places` says where each server is written, up to its keys: `hosts[3].` or `servers.csv line 9: `;
    `credentials` are the names that exist, though one may have mistakes of its own. Relative paths are looked for in
    `folder`.
    """
    yield from _credential_contradictions(profile.credentials, folder)
    yield from _plain_endpoints(profile)
    source = profile.agent.source
    if source != "aws" and "://" not in source and not _is(located(source, folder).is_dir):
        yield Problem(
            "agent.source", f"there is no folder {shown(source)}", 'Name a folder with agent packages, or "aws"'
        )
    for index, fix in enumerate(profile.run.fixes):
        if fix not in STEPS:
            yield validation.unknown_name(f"run.fixes[{index}]", "step", fix, STEPS)
    yield from _host_contradictions(profile, places)
    yield from _unknown_credentials(profile.hosts, places, credentials)


def _plain_endpoints(profile: Profile) -> Iterator[Problem]:
    """Endpoints without TLS: agents would show their credentials to everybody on the way. A practice cloud has them."""
    if (profile.aws.endpoint_url or "").startswith("http://"):
        return
    for service, url in profile.network.endpoints:
        if url and url.startswith("http://"):
            remedy = "Write it as https://…; only a practice cloud, which aws.endpoint_url names, is reached by http"
            yield Problem(f"network.endpoints.{service}", "an endpoint without TLS is not used", remedy)


def located(path: str, folder: Path) -> Path:
    """A path as a profile writes it: ~ is the user's home, and a relative one starts at the profile's folder."""
    try:
        return folder / Path(path).expanduser()
    except RuntimeError:  # ~NAME of an account that does not exist
        return folder / path


def _is(test: Callable[[], bool]) -> bool:
    """Of a path; one that is longer than the system allows leads to nothing."""
    try:
        return test()
    except OSError:
        return False


def _credential_contradictions(credentials: Mapping[str, Credential], folder: Path) -> Iterator[Problem]:
    variables: dict[str, str] = {}
    for name in credentials:
        twin = variables.setdefault(variable_name(name), name)
        if twin != name:
            problem = f"its secret would be that of {shown(twin)}: both are called {variable_name(name)}"
            yield Problem(f"credentials.{key_text(name)}", problem, "Rename one of them")
    for name, credential in credentials.items():
        key = f"credentials.{key_text(name)}.key_file"
        if credential.kind is CredentialKind.SSH_KEY:
            if credential.key_file is None:
                yield Problem(key, "it is missing, and ssh-key needs it", "Name the file of the private key")
            elif not _is(located(credential.key_file, folder).is_file):
                yield Problem(key, f"there is no file {shown(credential.key_file)}", "Name the file of the private key")
        elif credential.key_file is not None and credential.kind is not CredentialKind.SSH_AGENT:
            yield Problem(key, f"{credential.kind} does not use it", "Delete it, or use the kind ssh-key or ssh-agent")


def _host_contradictions(profile: Profile, places: Sequence[str]) -> Iterator[Problem]:
    for place, host in zip(places, profile.hosts, strict=True):
        if not host.address and not is_address(host.name):
            yield Problem(f"{place}address", f"it is missing, and {shown(host.name)} is not a valid address", "Add it")
        if host.tags and len({*host.tags, *profile.activation.tags}) > TAG_LIMIT:
            yield Problem(f"{place}tags", "with the activation's tags they are too many", f"AWS keeps {TAG_LIMIT}")
    for found in duplicates(profile.hosts):
        there = places[found.first].rstrip(".: ")
        problem = f"{found.shared} is already used at {there}"
        yield Problem(f"{places[found.index]}{found.key}", problem, "Rename or remove one of them")


def _unknown_credentials(
    hosts: Sequence[Host], places: Sequence[str], credentials: Collection[str]
) -> Iterator[Problem]:
    """One problem for each name, since it is one cause however many servers name it."""
    used = Counter(host.credential for host in hosts if host.credential not in credentials)
    for name, count in used.items():
        first = next(index for index, host in enumerate(hosts) if host.credential == name)
        others = f", which {servers(count)} use" if count > 1 else ""
        guess = validation.nearest(name, credentials)
        yield Problem(
            f"{places[first]}credential",
            f"there is no credential {shown(name)}{others}",
            f"Did you mean {guess}"
            if guess
            else f"Add a section [credentials.{key_text(name)}] with kind and username",
        )


def _problem(error: ErrorDetails, indexes: Sequence[int]) -> Problem:
    location = error["loc"]
    if len(location) > 1 and location[0] == "hosts":
        location = ("hosts", indexes[int(location[1])], *location[2:])
    key = _written(location)
    if error["type"] == "extra_forbidden":
        word = str(location[-1])
        return validation.unknown_problem(key, word, _known_keys(location[:-1]), elsewhere=_section_with(word))
    return validation.wrong_value(key, error)


def _written(location: Sequence[int | str]) -> str:
    """`hosts[3].port`, as a person finds it in the file."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        elif part != "[key]":  # pydantic's mark for "the key itself is wrong"
            text += f".{key_text(part)}" if text else key_text(part)
    return text


def _without_errors(data: Mapping[str, Any], errors: Sequence[ErrorDetails]) -> tuple[dict[str, Any], set[int]]:
    """The content without what is wrong, and the indexes of servers left out of it.

    A server or credential with a wrong value goes as a whole: a default in that value's place would mislead.
    """
    rest = copy.deepcopy(dict(data))
    servers: set[int] = set()
    for error in errors:
        match error["loc"]:
            case ("hosts", int(index), *_) if error["type"] != "extra_forbidden":
                servers.add(index)
            case ("hosts", int(index), *within):
                _delete(rest["hosts"][index], within)
            case ("credentials", str(name), *_) if error["type"] != "extra_forbidden":
                _delete(rest, ("credentials", name))
            case location:
                _delete(rest, location)
    if servers:
        rest["hosts"] = [host for index, host in enumerate(rest["hosts"]) if index not in servers]
    return rest, servers


def _delete(table: dict[str, Any], location: Sequence[int | str]) -> None:
    """Take out the innermost key on the way to `location`; nothing when an earlier mistake took out more."""
    key, *within = (str(part) for part in location)
    inside = table.get(key)
    if within and isinstance(inside, dict):
        _delete(inside, within)
    else:
        table.pop(key, None)


def _known_keys(location: Sequence[int | str]) -> list[str]:
    """The keys that belong in the section at `location`."""
    place: Any = Profile
    for part in location:
        if isinstance(place, type) and issubclass(place, Section):
            fields = place.model_fields.items()
            place = next(field.annotation for name, field in fields if (field.alias or name) == part)
        else:
            place = _section_inside(place)
    return [field.alias or name for name, field in _section_inside(place).model_fields.items()]


def _section_inside(annotation: Any) -> Any:
    """The model in tuple[Model, ...], Mapping[str, Model] or Model | None."""
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return annotation
    found = (_section_inside(argument) for argument in get_args(annotation) if argument is not Ellipsis)
    return next((model for model in found if model is not None), None)


def _section_with(word: str) -> str:
    """The section that has a key of that name, when there is exactly one."""
    found = [
        name
        for name, field in Profile.model_fields.items()
        if isinstance(field.annotation, type)
        and issubclass(field.annotation, Section)
        and word in field.annotation.model_fields
    ]
    return found[0] if len(found) == 1 else ""
