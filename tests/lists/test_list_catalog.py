"""Every format of lists has its reader in the catalog, and other formats are refused by name."""

from importlib import import_module
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import onboard.lists
from onboard.lists import unread
from onboard.lists.catalog import READERS, SUFFIXES, parse, read
from onboard.lists.reader import ListFile, Parsed, Reader
from onboard.lists.unread import Unread
from onboard.model.errors import ProfileError
from onboard.model.place import Place

NO_FORMATS = {"__init__", "catalog", "csv_columns", "merge", "pasted", "reader", "tags"}


def test_every_format_of_this_room_is_listed() -> None:
    formats = {path.stem for path in Path(onboard.lists.__path__[0]).glob("*.py")} - NO_FORMATS
    found: list[Reader] = [import_module(f"onboard.lists.{name}").READER for name in formats - {"unread"}]
    found += [value for value in vars(unread).values() if isinstance(value, Unread)]
    assert len(found) == len(READERS)
    assert all(reader in found for reader in READERS)
    assert len({reader.title for reader in READERS}) == len(READERS)
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in SUFFIXES)


def test_the_last_reader_recognises_everything() -> None:
    assert READERS[-1].recognises(ListFile.of(b"", "x"))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("Host web01\n  HostName 192.0.2.1\n  User kim\n", "an OpenSSH client configuration"),
        ("# mine\nHost *\n\n  # all\n  Port 2222\n", "an OpenSSH client configuration"),
        ("[web]\nweb01 ansible_host=192.0.2.1\n", "an Ansible inventory"),
        ("web01 ansible_host=192.0.2.1\n", "an Ansible inventory"),
        ("---\nall:\n  hosts:\n    web01:\n", "an Ansible inventory"),
        ('[{"name": "web01"}]', "JSON"),
        ('{\n  "hosts": []\n}', "JSON"),
    ],
)
def test_other_formats_are_refused_by_name(content: str, what: str) -> None:
    with pytest.raises(ProfileError) as refused:
        parse(content.encode(), "list")
    (problem,) = refused.value.problems
    assert problem.problem == f"it is {what}, and Onboard cannot read servers from that format"
    assert problem.remedy


@pytest.mark.parametrize("text", ["Host Name\nweb01\n", "Host\tPort\nweb01\t22\n", "host,user\nweb01,kim\n", "[::1]\n"])
def test_tables_are_not_taken_for_other_formats(text: str) -> None:
    parse(text.encode(), "list")


@pytest.mark.parametrize(
    "data", [b"PK\x03\x04....", b"\xd0\xcf\x11\xe0....", b"\x1f\x8b..", b"%PDF-1.7", b"name\x01\x02,address"]
)
def test_files_that_are_no_text_are_refused(data: bytes) -> None:
    with pytest.raises(ProfileError) as refused:
        parse(data, "list.xlsx")
    assert "Onboard cannot read servers from that format" in refused.value.problems[0].problem


def test_read_tells_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as refused:
        read(tmp_path / "none.csv")
    assert "No such file" in refused.value.problems[0].problem
    (tmp_path / "some.csv").write_text("192.0.2.1\n")
    assert [host.place for host in read(tmp_path / "some.csv").hosts] == [Place("192.0.2.1", 22)]


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.binary(max_size=120)
    | st.text("name,adresport;tag:=\t|\"'#\r\n\\0123.-[]{} é", max_size=120).map(str.encode)
    | st.text(max_size=80).map(lambda text: text.encode("utf-16", "surrogatepass"))
)
def test_no_bytes_give_a_traceback(data: bytes) -> None:
    try:
        parsed: Parsed = parse(data, "list")
    except ProfileError as refused:
        problems = refused.problems
    else:
        problems = parsed.problems
        assert len(parsed.hosts) == len(parsed.lines)
    assert all(problem.key and problem.problem and problem.remedy for problem in problems)
    assert "".join(map(str, problems)).isprintable()
