"""Where a server is reached tells servers apart, and is written in one way."""

import pytest

from onboard.model.place import Place
from onboard.model.profile import Host, Protocol


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Place("web.example.com", 22), Place("WEB.example.com.", 22), True),
        (Place("web.example.com", 22), Place("web.example.com", 2222), False),
        (Place("10.0.0.1", 22), Place("10.0.0.2", 22), False),
        (Place("10.0.0.1", 22, ("x",)), Place("10.0.0.1", 22, ("x",)), True),
        (Place("10.0.0.1", 22, ("x",)), Place("10.0.0.1", 22, ("y",)), False),
        (Place("10.0.0.1", 22, ("x",)), Place("10.0.0.1", 22), False),
    ],
)
def test_places_are_told_apart(one: Place, other: Place, same: bool) -> None:
    assert (one == other) is same
    assert (len({one, other}) == 1) is same


def test_a_servers_place_has_its_defaults() -> None:
    assert Host(name="a").place == Place("a", 22)
    assert Host(name="a", address="10.0.0.1", protocol=Protocol.WINRM).place == Place("10.0.0.1", 5986)
    assert Host(name="a", port=2222, jump="x").place == Place("a", 2222, ("x",))


def test_a_place_in_words() -> None:
    assert str(Place("Web-1", 22)) == "Web-1 port 22"
    assert str(Place("2001:db8::1", 2222, ("bastion", "inner"))) == "2001:db8::1 port 2222 through bastion, inner"
