"""Edits of a draft: one key, or the servers. Each gives a new profile, or says in words what is wrong."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from onboard.model.errors import Problem
from onboard.model.profile import Credential, Host, Profile
from onboard.model.validation import wrong_value


def changed(profile: Profile, key: str, value: object) -> Profile | Problem:
    """The profile with `key` (`region.name`, `network.endpoints.ssm`, `name`) set to `value`.

    None and "" set what a key has by default. Only the section that holds the key is validated, so that it stays
    quick with thousands of servers.
    """
    section, _, field = key.rpartition(".")
    chain = [profile]
    for name in section.split(".") if section else ():
        chain.append(getattr(chain[-1], name))
    holder = chain[-1]
    values = {name: getattr(holder, name) for name in holder.model_fields_set if name != field}
    if value not in (None, ""):
        values[field] = value
    try:
        new: Any = type(holder).model_validate(values, by_name=True) if section else _checked_top(profile, field, value)
    except ValidationError as error:
        return wrong_value(key, error.errors()[0])
    for parent, name in zip(reversed(chain[:-1]), reversed(section.split(".")), strict=False):
        new = parent.model_copy(update={name: new})
    result: Profile = new
    return result


def _checked_top(profile: Profile, field: str, value: object) -> Profile:
    """A key at the top of the profile; servers and credentials have edits of their own."""
    checked = Profile.model_validate({field: value} if value not in (None, "") else {})
    return profile.model_copy(update={field: getattr(checked, field)})


def with_hosts(profile: Profile, hosts: Iterable[Host]) -> Profile:
    return profile.model_copy(update={"hosts": tuple(hosts)})


def host_changed(profile: Profile, name: str, values: Mapping[str, object]) -> Profile | Problem:
    """The profile with some keys of one server changed. A name that another server has is refused."""
    hosts = list(profile.hosts)
    index = next(index for index, host in enumerate(hosts) if host.name == name)
    new = _host({**hosts[index].model_dump(exclude_unset=True), **values})
    if isinstance(new, Problem):
        return new
    if any(host.name == new.name for position, host in enumerate(hosts) if position != index):
        return Problem("name", f"another server is called {new.name}", "Give each server a name of its own")
    hosts[index] = new
    return with_hosts(profile, hosts)


def _host(values: Mapping[str, object]) -> Host | Problem:
    try:
        return Host.model_validate({key: value for key, value in values.items() if value not in (None, "")})
    except ValidationError as error:
        first = error.errors()[0]
        return wrong_value(".".join(map(str, first["loc"])) or "server", first)


def hosts_from_lines(text: str, credential: str) -> tuple[tuple[Host, ...], tuple[Problem, ...]]:
    """Servers typed or pasted, one a line: a name or address, perhaps `name address`, perhaps `address:port`."""
    hosts: list[Host] = []
    problems: list[Problem] = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.split("#")[0].replace(",", " ").replace(";", " ").split()
        if not words:
            continue
        values: dict[str, object] = {"name": words[0], "credential": credential}
        target = words[1] if len(words) > 1 else words[0]
        address, colon, port = target.rpartition(":")
        if colon and port.isdigit() and ":" not in address:
            values |= {"port": int(port), "address": address}
            values["name"] = address if len(words) == 1 else words[0]
        elif len(words) > 1:
            values["address"] = target
        made = _host(values)
        if isinstance(made, Problem):
            problems.append(Problem(f"line {number}", made.problem, made.remedy))
        else:
            hosts.append(made)
    return tuple(hosts), tuple(problems)


def with_credential(profile: Profile, name: str, values: Mapping[str, object]) -> Profile | Problem:
    """The profile with a credential added or replaced."""
    try:
        made = Credential.model_validate({key: value for key, value in values.items() if value not in (None, "")})
    except ValidationError as error:
        first = error.errors()[0]
        return wrong_value(".".join(map(str, ("credentials", name, *first["loc"]))), first)
    return profile.model_copy(update={"credentials": {**profile.credentials, name: made}})
