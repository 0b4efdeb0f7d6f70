"""Edits of a draft give a new profile, or say what is wrong and change nothing."""

from hypothesis import given
from hypothesis import strategies as st

from onboard.model.errors import Problem
from onboard.model.profile import Host, Profile
from onboard.wizard.draft import changed, host_changed, hosts_from_lines, with_credential, with_hosts

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


def test_pasted_lines_become_servers() -> None:
    hosts, problems = hosts_from_lines("web1 10.0.0.1\nweb2\n# no\n\n10.0.0.3:2222\nweb4,web4.example:22", "ops")
    assert problems == ()
    assert [(host.name, *host.target) for host in hosts] == [
        ("web1", "10.0.0.1", 22),
        ("web2", "web2", 22),
        ("10.0.0.3", "10.0.0.3", 2222),
        ("web4", "web4.example", 22),
    ]
    assert {host.credential for host in hosts} == {"ops"}


def test_a_line_that_is_no_server_is_named() -> None:
    _, problems = hosts_from_lines("good\nbad name_?!/", "ops")
    assert [problem.key for problem in problems] == ["line 2"]


@given(st.text(max_size=200))
def test_no_paste_raises(text: str) -> None:
    hosts_from_lines(text, "ops")


def test_a_credential_is_added_or_refused() -> None:
    added = with_credential(Profile(), "ops", {"kind": "ssh-key", "username": "admin", "key_file": "~/.ssh/id"})
    assert isinstance(added, Profile)
    assert added.credentials["ops"].username == "admin"
    refused = with_credential(Profile(), "ops", {"kind": "ssh-key"})
    assert isinstance(refused, Problem)
