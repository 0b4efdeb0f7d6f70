"""Edits of a draft return a new profile, or say what is wrong and change nothing."""

from hypothesis import given
from hypothesis import strategies as st

from onboard.model.errors import Problem
from onboard.model.profile import Host, Profile
from onboard.wizard.draft import changed, host_changed, with_credential, with_hosts

KEYS = (
    "name", "aws.profile", "region.name", "role.name", "activation.name", "network.proxy", "network.endpoints.ssm",
    "agent.source", "agent.version",
)  # fmt: skip


def test_a_key_is_set_and_set_back() -> None:
    profile = Profile()
    edited = changed(profile, "network.endpoints.ssm", "https://ssm.internal.example")
    assert isinstance(edited, Profile)
    assert edited.network.endpoints.ssm == "https://ssm.internal.example"
    assert changed(edited, "network.endpoints.ssm", "") == profile
    named = changed(profile, "name", "Frankfurt")
    assert isinstance(named, Profile)
    assert named.name == "Frankfurt"


def test_what_is_wrong_is_said_with_the_key() -> None:
    wrong = changed(Profile(), "activation.expires_in_hours", 9000)
    assert isinstance(wrong, Problem)
    assert "activation.expires_in_hours" in wrong.key
    assert wrong.remedy


@given(st.sampled_from(KEYS), st.text(max_size=60))
def test_no_text_ends_in_anything_but_a_profile_or_a_problem(key: str, text: str) -> None:
    result = changed(Profile(), key, text)
    assert isinstance(result, Profile | Problem)


def test_other_keys_and_servers_stay() -> None:
    profile = with_hosts(Profile(), [Host(name="a")])
    edited = changed(profile, "region.name", "eu-west-1")
    assert isinstance(edited, Profile)
    assert edited.hosts == profile.hosts


def test_a_server_is_renamed_unless_the_name_is_taken() -> None:
    profile = with_hosts(Profile(), [Host(name="a"), Host(name="b")])
    renamed = host_changed(profile, "a", {"name": "c", "port": 2222})
    assert isinstance(renamed, Profile)
    assert [host.name for host in renamed.hosts] == ["c", "b"]
    assert renamed.hosts[0].port == 2222
    taken = host_changed(profile, "a", {"name": "b"})
    assert isinstance(taken, Problem)
    wrong = host_changed(profile, "a", {"port": 70000})
    assert isinstance(wrong, Problem)


def test_a_credential_is_added_or_refused() -> None:
    added = with_credential(Profile(), "ops", {"kind": "ssh-key", "username": "admin", "key_file": "~/.ssh/id"})
    assert isinstance(added, Profile)
    assert added.credentials["ops"].username == "admin"
    refused = with_credential(Profile(), "ops", {"kind": "ssh-key"})
    assert isinstance(refused, Problem)
