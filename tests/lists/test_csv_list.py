"""Servers from CSV: what is guessed is in the preview, and every mistake is told by its line."""

import csv
import io

import pytest

from onboard.lists.csv_list import READER, render_csv
from onboard.lists.reader import ListFile, ParsedTable
from onboard.model.place import Place
from onboard.model.profile import Host


def parse(data: bytes, name: str) -> ParsedTable:
    return READER.parse(ListFile.of(data, name))


def targets(inventory: ParsedTable) -> list[tuple[str, str, int]]:
    assert inventory.problems == ()
    return [(host.name, host.place.address, host.place.port) for host in inventory.hosts]


def fields(inventory: ParsedTable) -> dict[str, str]:
    return {column.header: column.field for column in inventory.preview.columns}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter_is_guessed(delimiter: str) -> None:
    text = "name,address,port\nweb01,192.0.2.1,22\nweb02,192.0.2.2,2222\n".replace(",", delimiter)
    inventory = parse(text.encode(), "servers.csv")
    assert targets(inventory) == [("web01", "192.0.2.1", 22), ("web02", "192.0.2.2", 2222)]
    assert inventory.preview.delimiter == delimiter
    assert inventory.preview.has_header
    assert inventory.preview.rows == (("web01", "192.0.2.1", "22"), ("web02", "192.0.2.2", "2222"))
    assert inventory.lines == (2, 3)


def test_delimiter_is_that_of_the_headers_not_of_what_stands_in_cells() -> None:
    text = "name;address;tags\nweb01;192.0.2.1;a=1, b=2, c=3\nweb02;192.0.2.2;a=1, b=2\n"
    inventory = parse(text.encode(), "x")
    assert inventory.preview.delimiter == ";"
    assert inventory.hosts[0].tags == {"a": "1", "b": "2", "c": "3"}


@pytest.mark.parametrize("line", ["sep=;", '"sep=;"', "SEP=;"])
def test_excels_own_delimiter_line_is_understood(line: str) -> None:
    assert targets(parse(f"{line}\r\nname;ip\r\nweb01;192.0.2.1\r\n".encode(), "x")) == [("web01", "192.0.2.1", 22)]


@pytest.mark.parametrize(
    ("encode", "encoding"),
    [
        (lambda text: text.encode(), "utf-8"),
        (lambda text: text.encode("utf-8-sig"), "utf-8-sig"),
        (lambda text: text.encode("utf-16"), "utf-16"),
        (lambda text: text.encode("utf-16-le"), "utf-16-le"),
        (lambda text: text.encode("utf-16-be"), "utf-16-be"),
        (lambda text: text.encode("utf-32"), "utf-32"),
        (lambda text: text.encode("cp1252"), "cp1252"),
    ],
)
def test_encodings_of_spreadsheets_are_read(encode: object, encoding: str) -> None:
    assert callable(encode)
    inventory = parse(encode("name,address\nzürich-1,192.0.2.1\n"), "x")
    assert inventory.preview.encoding == encoding
    assert targets(inventory) == [("zürich-1", "192.0.2.1", 22)]


def test_bytes_that_no_encoding_has_are_still_read() -> None:
    assert parse(b"name,address\nweb\x81,192.0.2.1\n", "x").preview.encoding == "latin-1"


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        ("Name,IP Address", {"Name": "name", "IP Address": "address"}),
        ("hostname,fqdn", {"hostname": "name", "fqdn": "address"}),
        ("name,host", {"name": "name", "host": "address"}),
        ("host,port", {"host": "name", "port": "port"}),
        ("VM Name,Primary IP,SSH-Port", {"VM Name": "name", "Primary IP": "address", "SSH-Port": "port"}),
        ("SERVER;IPv4;Credential", {"SERVER": "name", "IPv4": "address", "Credential": "credential"}),
        ("ip_address,tag:Team,Tag: Site", {"ip_address": "address", "tag:Team": "tag:Team", "Tag: Site": "tag:Site"}),
        ("name,dns name,ip", {"name": "name", "dns name": "", "ip": "address"}),
        (
            "name,protocol,group,labels",
            {"name": "name", "protocol": "protocol", "group": "credential", "labels": "tags"},
        ),
        ("name,owner,password", {"name": "name", "owner": "", "password": ""}),
    ],
)
def test_columns_are_found_by_what_people_call_them(header: str, wanted: dict[str, str]) -> None:
    assert fields(parse(f"{header}\n".encode(), "x")) == wanted


def test_columns_that_are_not_used_are_named_and_their_cells_not_shown() -> None:
    inventory = parse(b"name,ip,dns name,owner,Root Password\nweb01,192.0.2.1,w,kim,correct-horse\n", "x")
    assert [(number, column.header, column.why) for number, column in inventory.preview.unused] == [
        (3, "dns name", "a different column is used for it"),
        (4, "owner", "not known"),
        (5, "Root Password", "secrets are never taken from a list"),
    ]
    assert inventory.preview.rows == (("web01", "192.0.2.1"),)
    assert "correct-horse" not in repr(inventory)


def test_one_column_of_addresses_needs_no_header() -> None:
    inventory = parse(b"192.0.2.1\n\n  2001:db8::1 \n# the lab\nweb01.example.com\n", "x")
    assert targets(inventory) == [
        ("192.0.2.1", "192.0.2.1", 22),
        ("2001:db8::1", "2001:db8::1", 22),
        ("web01.example.com", "web01.example.com", 22),
    ]
    assert (inventory.preview.delimiter, inventory.preview.has_header) == ("", False)
    assert inventory.lines == (1, 3, 5)


def test_columns_without_header_are_guessed_from_what_is_in_them() -> None:
    inventory = parse(b"rack 7,web01,192.0.2.1,22\nrack 8,web02,192.0.2.2,\n", "x")
    assert [column.field for column in inventory.preview.columns] == ["", "name", "address", "port"]
    assert targets(inventory) == [("web01", "192.0.2.1", 22), ("web02", "192.0.2.2", 22)]


def test_quotes_comments_and_lines_inside_cells() -> None:
    text = (
        '# servers of the "east"\nname,address,tags\n"web 01",192.0.2.1,"Role=web; Team=a,\nSite=b"\n'
        '  # web02 is gone\n"a ""b"" c",192.0.2.3,\n'
    )
    inventory = parse(text.encode(), "x")
    assert targets(inventory) == [("web 01", "192.0.2.1", 22), ('a "b" c', "192.0.2.3", 22)]
    assert inventory.hosts[0].tags == {"Role": "web", "Team": "a", "Site": "b"}
    assert inventory.lines == (3, 6)


def problems(text: str) -> list[tuple[str, str]]:
    return [(problem.key, problem.problem) for problem in parse(text.encode(), "x").problems]


@pytest.mark.parametrize("typo", ["192.0.2.300", "192.0.2.2a", "192.0.2"])
def test_a_mistyped_address_does_not_take_the_column_of_addresses_away(typo: str) -> None:
    text = f"web01,192.0.2.1,22\nweb02,{typo},22\nweb03,192.0.2.3,22b\nweb04,192.0.2.4,22\n"
    inventory = parse(text.encode(), "x")
    assert [column.field for column in inventory.preview.columns] == ["name", "address", "port"]
    assert [host.place for host in inventory.hosts] == [Place("192.0.2.1", 22), Place("192.0.2.4", 22)]
    assert problems(text) == [
        ("x line 2: address", f'"{typo}" is not a valid address'),
        ("x line 3: port", '"22b" is not a valid port'),
    ]


def test_words_in_a_table_without_headings_are_not_taken_for_servers() -> None:
    assert problems("colour,weight\nred,4\nblue,5\n") == [("x", "no column holds names or addresses")]
    assert targets(parse(b"web01.example.com,rack 7\nweb02.example.com,rack 8\n", "x")) == [
        ("web01.example.com", "web01.example.com", 22),
        ("web02.example.com", "web02.example.com", 22),
    ]


def test_a_first_line_with_an_address_is_a_server_not_headings() -> None:
    assert targets(parse(b"server,192.0.2.1\nweb02,192.0.2.2\n", "x")) == [
        ("server", "192.0.2.1", 22),
        ("web02", "192.0.2.2", 22),
    ]


def test_a_name_that_is_not_an_address_needs_one() -> None:
    assert problems("name,address\nmy server,\n") == [
        ("x line 2: address", 'it is missing, and "my server" is not a valid address')
    ]


@pytest.mark.parametrize("row", ['"Env=a; Env=b",', '"Env=a",b'])
def test_a_tag_with_two_values_is_a_mistake(row: str) -> None:
    text = f"name,address,tags,tag:Env\nweb01,192.0.2.1,{row}\n"
    assert problems(text) == [("x line 2: tags", 'the tag "Env" has two values')]


def test_every_mistake_is_told_by_its_line_and_the_rest_is_read() -> None:
    text = (
        "name,address,port,protocol,tags,tag:Env\n"
        "web01,192.0.2.1,22,SSH,,prod\n"
        "web02,192.0.2.300,22,,,\n"
        "web03,192.0.2.3,99999,,,\n"
        "web04,192.0.2.4,22a,,,\n"
        "web05,192.0.2.5,,winrm,,\n"
        "web06,192.0.2.6,,telnet,,\n"
        "web07,192.0.2.7,,,Role,\n"
        "web08,192.0.2.8,,,,a;b\n"
        ",,22,,,\n"
        "web10,192.0.2.10,,,,,more\n"
        "web11,192.0.2.11\n"
    )
    inventory = parse(text.encode(), "servers.csv")
    assert [host.name for host in inventory.hosts] == ["web01", "web11"]
    assert inventory.lines == (2, 12)
    assert {problem.key.removeprefix("servers.csv "): problem.problem for problem in inventory.problems} == {
        "line 3: address": '"192.0.2.300" is not a valid address',
        "line 4: port": "99999 is too large",
        "line 5: port": '"22a" is not a valid port',
        "line 6: protocol": "reaching Windows servers is not available in this version",
        "line 7: protocol": '"telnet" is not known',
        "line 8: tags": '"Role" is not a tag',
        "line 9: tags": 'the tag "Env" has a character that AWS refuses',
        "line 10: name": "it is empty",
        "line 11": "it has 7 cells, and the list has 6 columns",
    }


def test_quotes_that_never_close_are_told_where_they_open() -> None:
    inventory = parse(b'name,address\nweb01,192.0.2.1\n"web02,192.0.2.2\nweb03,192.0.2.3\n', "x")
    assert [host.name for host in inventory.hosts] == ["web01"]
    assert [problem.key for problem in inventory.problems] == ["x line 3"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("owner,port\nkim,22\n", 'no column holds names or addresses; its headings are "owner", "port"'),
        ("kim & co;22 x\nlee & co;23 x\n", "no column holds names or addresses"),
    ],
)
def test_a_list_without_servers_says_so(text: str, problem: str) -> None:
    inventory = parse(text.encode(), "x")
    assert inventory.hosts == ()
    assert [found.problem for found in inventory.problems] == [problem]


def test_an_empty_file_has_no_servers() -> None:
    assert targets(parse(b"", "x")) == []


def test_servers_are_written_with_the_columns_that_are_used() -> None:
    hosts = [
        Host(name="web01", address="192.0.2.1", tags={"Env": "prod", "Empty": ""}),
        Host(name='a "b", c', address="2001:db8::1", port=2222, credential="other", tags={"Team": "x"}),
    ]
    text = render_csv(hosts, ";")
    assert next(csv.reader(io.StringIO(text), delimiter=";")) == [
        *("name", "address", "port", "credential", "tags", "tag:Env", "tag:Team")
    ]
    inventory = parse(text.encode(), "x")
    assert inventory.problems == ()
    assert list(inventory.hosts) == hosts
