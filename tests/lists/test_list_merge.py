"""Lists of servers put together: nothing twice, and servers that clash are all named."""

import pytest

from onboard.lists.merge import Duplicate, duplicates, merged
from onboard.model.errors import ProfileError
from onboard.model.profile import Host


def test_import_replaces_or_appends() -> None:
    old = (Host(name="a", address="192.0.2.1"), Host(name="b", address="192.0.2.2"))
    new = (Host(name="b", address="192.0.2.2"), Host(name="c", address="192.0.2.3"))
    assert merged(old, new, replace=True) == new
    assert merged(old, new, replace=False) == (*old, new[1])


def test_imported_servers_that_clash_are_all_named() -> None:
    old = (Host(name="a", address="192.0.2.1"), Host(name="b", address="192.0.2.2"))
    new = (Host(name="A", address="192.0.2.9"), Host(name="c", address="192.0.2.2"), Host(name="d"), Host(name="D"))
    with pytest.raises(ProfileError) as refused:
        merged(old, new, replace=False)
    assert [(problem.key, problem.problem) for problem in refused.value.problems] == [
        ("A", 'the name "A" is already there, in the profile'),
        ("c", '"192.0.2.2" port 22 is already there, in the profile'),
        ("D", 'the name "D" is already there, in the imported list'),
    ]
    with pytest.raises(ProfileError):
        merged((), new, replace=True)


def test_a_duplicate_says_which_key_is_shared() -> None:
    hosts = (
        Host(name="a", address="192.0.2.1"),
        Host(name="A", address="192.0.2.2"),
        Host(name="the name", address="192.0.2.1"),
    )
    assert duplicates(hosts) == [
        Duplicate(1, 0, "name", 'the name "A"'),
        Duplicate(2, 0, "address", '"192.0.2.1" port 22'),
    ]
