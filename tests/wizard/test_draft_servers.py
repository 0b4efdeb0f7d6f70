"""Edits of a draft's servers and credentials return a new profile, or say in words what is wrong."""

import pytest

from onboard.lists.merge import merged
from onboard.model.errors import Problem
from onboard.model.place import Place
from onboard.model.profile import CredentialKind, Host, Profile
from onboard.wizard import draft

HOSTS = (
    Host(name="web-1", address="10.0.0.1", credential="linux"),
    Host(name="web-2", address="10.0.0.2", credential="linux", tags={"site": "fra", "os": "linux"}),
    Host(name="db-1", address="10.0.0.3", port=2222, credential="dba"),
)
PROFILE = draft.with_hosts(
    Profile.model_validate({"credentials": {"linux": {"kind": "ssh-agent", "username": "admin"}}}), HOSTS
)


def host(profile: Profile | Problem, name: str) -> Host:
    assert isinstance(profile, Profile), profile
    return next(host for host in profile.hosts if host.name == name)


def test_a_change_of_one_server_leaves_the_others_as_they_are() -> None:
    new = draft.host_changed(PROFILE, "web-1", {"port": 2022})
    assert host(new, "web-1").place == Place("10.0.0.1", 2022)
    assert host(new, "web-2") is PROFILE.hosts[1]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": "WEB-2"}, "web-2 already has the name"),
        ({"address": "10.0.0.2"}, 'web-2 already has "10.0.0.2" port 22'),
        ({"address": "10.0.0.300"}, "is not a valid address"),
        ({"port": 70000}, "70000 is too large"),
        ({"name": "rack 7", "address": ""}, '"rack 7" is not a valid address'),
    ],
)
def test_what_cannot_be_is_refused_in_words(values: dict[str, object], said: str) -> None:
    wrong = draft.host_changed(PROFILE, "web-1", values)
    assert isinstance(wrong, Problem)
    assert said in str(wrong)


def test_many_servers_are_changed_at_once() -> None:
    new = draft.hosts_changed(
        PROFILE, {"web-1", "web-2"}, {"credential": "ops"}, tags={"team": "web"}, without_tags={"os"}
    )
    assert host(new, "web-1").tags == {"team": "web"}
    assert host(new, "web-2").tags == {"site": "fra", "team": "web"}
    assert [host(new, name).credential for name in ("web-1", "web-2", "db-1")] == ["ops", "ops", "dba"]


def test_a_change_of_many_names_the_server_that_it_does_not_fit() -> None:
    wrong = draft.hosts_changed(PROFILE, {"db-1"}, {"port": 0})
    assert isinstance(wrong, Problem)
    assert "db-1: port" in str(wrong)


def test_tags_are_read_as_they_are_written() -> None:
    tags = {"site": "fra", "os": "win"}
    assert draft.tags_from_text(draft.tags_text(tags)) == tags
    assert draft.tags_from_text(" ; ") == {}
    wrong = draft.tags_from_text("site")
    assert isinstance(wrong, Problem)
    assert "KEY=VALUE" in wrong.remedy
    assert isinstance(draft.tags_from_text("site=fra, site=ham"), Problem)


def test_a_credential_that_is_renamed_is_renamed_on_its_servers() -> None:
    new = draft.with_credential(PROFILE, "ops", {"kind": "ssh-password", "username": "root"}, old="linux")
    assert isinstance(new, Profile)
    assert list(new.credentials) == ["ops"]
    assert new.credentials["ops"].kind is CredentialKind.SSH_PASSWORD
    assert [one.credential for one in new.hosts] == ["ops", "ops", "dba"]


@pytest.mark.parametrize(
    ("name", "values", "key"),
    [
        ("linux", {"kind": "ssh-agent", "username": "a"}, "name"),
        ("a b", {"kind": "ssh-agent", "username": "a"}, "name"),
        ("ops", {"kind": "ssh-agent", "username": " a"}, "username"),
        ("ops", {"kind": "ssh-agent", "username": ""}, "username"),
    ],
)
def test_a_wrong_credential_names_its_field(name: str, values: dict[str, object], key: str) -> None:
    wrong = draft.with_credential(PROFILE, name, values)
    assert isinstance(wrong, Problem)
    assert wrong.key == key


def test_servers_go_and_come() -> None:
    left = draft.without_hosts(PROFILE, {"web-1"})
    assert [one.name for one in left.hosts] == ["web-2", "db-1"]
    assert merged(left.hosts, HOSTS[:1], replace=False)[-1].name == "web-1"
    assert draft.without_credential(PROFILE, "linux").credentials == {}
