"""Edits of a draft: one key, the servers, or the credentials. Each returns a new profile, or a Problem in words."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from onboard.lists.merge import duplicates
from onboard.lists.tags import parse_tags
from onboard.model.errors import Problem
from onboard.model.formats import is_address, shown
from onboard.model.profile import Host, Profile
from onboard.model.validation import wrong_value


def changed(profile: Profile, key: str, value: object) -> Profile | Problem:
    """The profile with `key` (`region.name`, `network.endpoints.ssm`, `name`) set to `value`.

    None and "" reset the key to its default. Only the section that contains the key is validated, which keeps this
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
    """Set a top-level key of the profile; servers and credentials have their own edits."""
    checked = Profile.model_validate({field: value} if value not in (None, "") else {})
    return profile.model_copy(update={field: getattr(checked, field)})


def with_hosts(profile: Profile, hosts: Iterable[Host]) -> Profile:
    return profile.model_copy(update={"hosts": tuple(hosts)})


def host_changed(profile: Profile, name: str, values: Mapping[str, object]) -> Profile | Problem:
    """The profile with some keys of one server changed. Refuses a name, or address and port, already in use."""
    hosts = list(profile.hosts)
    index = next(index for index, host in enumerate(hosts) if host.name == name)
    new = _host({**hosts[index].model_dump(exclude_unset=True), **values})
    if isinstance(new, Problem):
        return new
    hosts[index] = new
    for found in duplicates(hosts):
        if index in (found.first, found.index):
            other = hosts[found.first if index == found.index else found.index].name
            return Problem(
                "server", f"{other} already has {found.shared}", "Give each server its own name, address and port"
            )
    return with_hosts(profile, hosts)


def hosts_changed(
    profile: Profile,
    names: Collection[str],
    values: Mapping[str, object],
    *,
    tags: Mapping[str, str] | None = None,
    without_tags: Collection[str] = (),
) -> Profile | Problem:
    """The profile with `values` set and `tags` added on each named server, and the tag keys `without_tags` removed."""
    hosts: list[Host] = []
    for host in profile.hosts:
        if host.name in names:
            kept = {key: value for key, value in host.tags.items() if key not in without_tags} | dict(tags or {})
            made = _host({**host.model_dump(exclude_unset=True), **values, "tags": kept or None})
            if isinstance(made, Problem):
                return Problem(f"{host.name}: {made.key}", made.problem, made.remedy)
            host = made
        hosts.append(host)
    return with_hosts(profile, hosts)


def without_hosts(profile: Profile, names: Collection[str]) -> Profile:
    return with_hosts(profile, (host for host in profile.hosts if host.name not in names))


def with_only(profile: Profile, names: Collection[str]) -> Profile:
    """Return the profile with only these of its servers, to run a command on them alone."""
    return with_hosts(profile, [host for host in profile.hosts if host.name in names])


def tags_text(tags: Mapping[str, str]) -> str:
    """Tags in the form that `tags_from_text` reads."""
    return ", ".join(f"{key}={value}" for key, value in tags.items())


def tags_from_text(text: str) -> dict[str, str] | Problem:
    """Parse tags typed as `site=fra, team=web`."""
    tags, problems = parse_tags(text, "tags")
    return problems[0] if problems else tags


def _host(values: Mapping[str, object]) -> Host | Problem:
    try:
        made = Host.model_validate({key: value for key, value in values.items() if value not in (None, "")})
    except ValidationError as error:
        first = error.errors()[0]
        return wrong_value(".".join(map(str, first["loc"])) or "server", first)
    if not made.address and not is_address(made.name):
        return Problem("address", f"{shown(made.name)} is not a valid address", "Add its address")
    return made


def with_credential(profile: Profile, name: str, values: Mapping[str, object], *, old: str = "") -> Profile | Problem:
    """The profile with a credential added; or, with `old`, replacing that one in the profile and on every server."""
    if name != old and name in profile.credentials:
        return Problem("name", f"another credential is already called {name}", "Give each credential its own name")
    given = {key: value for key, value in values.items() if value not in (None, "")}
    try:
        made = Profile.model_validate({"credentials": {name: given}}).credentials[name]
    except ValidationError as error:
        first = error.errors()[0]
        key = "name" if first["loc"][-1] == "[key]" else str(first["loc"][-1])
        return wrong_value(key, first)
    placed = {name if key == old else key: credential for key, credential in profile.credentials.items()}
    new = profile.model_copy(update={"credentials": {**placed, name: made}})
    if not old or name == old:
        return new
    renamed = (host.model_copy(update={"credential": name}) if host.credential == old else host for host in new.hosts)
    return with_hosts(new, renamed)


def without_credential(profile: Profile, name: str) -> Profile:
    others = {key: credential for key, credential in profile.credentials.items() if key != name}
    return profile.model_copy(update={"credentials": others})
