"""Every mistake is told, all at once, by key, with what would be right; and no secret is repeated."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboard.model.errors import Problem, ProfileError
from onboard.profiles.file import load

CREDENTIAL = '[credentials.default]\nkind = "ssh-agent"\nusername = "admin"\n'


def problems(folder: Path, content: str | bytes) -> dict[str, Problem]:
    """key → problem of a profile with this content; {} when it is right."""
    path = folder / "profile.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    told: tuple[Problem, ...] = ()
    try:
        load(path)
    except ProfileError as error:
        told = error.problems
    found = {problem.key: problem for problem in told}
    assert len(found) == len(told), "a key is named twice"
    return found


def only(path: Path, text: str | bytes) -> Problem:
    (problem,) = problems(path, text).values()
    return problem


def test_ten_different_mistakes_give_ten_clear_messages(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        """
hots_file = "servers.csv"
[region]
name = "eu central 1"
[role]
name = "arn:aws:iam::123456789012:role/service-role/Servers"
[activation]
expires_in_hours = 1000
tags = { "aws:x" = "1" }
[network]
proxy = "https://proxy:3128"
[agent]
version = "3.3"
[run]
concurrency = "many"
[credentials.default]
kind = "ssh-kee"
username = "admin"
[[hosts]]
name = "web01"
address = "10.0.0.300"
""",
    )
    assert {key: (problem.problem, problem.remedy) for key, problem in found.items()} == {
        "hots_file": ('there is no key "hots_file"', "Did you mean hosts_file"),
        "region.name": ('"eu central 1" is not an AWS Region', "Write the Region's id, such as eu-central-1"),
        "role.name": ("it is an ARN, which activations do not take", 'Write "service-role/Servers"'),
        "activation.expires_in_hours": ("1000 is too large", "Use 720 or less"),
        "activation.tags": (
            'the tag key "aws:x" begins with aws:, which AWS keeps to itself',
            "Choose another key",
        ),
        "network.proxy": (
            "the agent cannot use proxies that are reached by https",
            "Write it as http://proxy.example.com:3128",
        ),
        "agent.version": (
            '"3.3" is not a valid agent version',
            "Write latest, stable, or four numbers such as 3.3.4851.0",
        ),
        "run.concurrency": ("it is text, where a whole number is wanted", "Write digits, without quotes"),
        "credentials.default.kind": ('"ssh-kee" is not known', "Did you mean ssh-key"),
        "hosts[0].address": (
            '"10.0.0.300" is not a valid address',
            "Write an IPv4 address, an IPv6 address or a host name, and nothing else",
        ),
    }


def test_a_mistake_inside_a_value_does_not_hide_the_next_one(tmp_path: Path) -> None:
    found = problems(tmp_path, '[activation.tags]\nA = 1\n"aws:b" = "x"\n')
    assert set(found) == {"activation.tags.A", "activation.tags"}


def test_a_broken_server_does_not_hide_others_nor_shift_their_numbers(tmp_path: Path) -> None:
    found = problems(
        tmp_path,
        CREDENTIAL + '[[hosts]]\nname = "a"\nport = 0\n[[hosts]]\nname = "b"\n[[hosts]]\nname = "B"\n'
        '[[hosts]]\naddress = "c"\n[[hosts]]\nname = "d"\ncredential = "defualt"\n',
    )
    assert {key: problem.problem for key, problem in found.items()} == {
        "hosts[0].port": "0 is too small",
        "hosts[2].name": 'the name "B" is already used at hosts[1]',
        "hosts[3].name": "it is missing",
        "hosts[4].credential": 'there is no credential "defualt"',
    }
    assert found["hosts[4].credential"].remedy == "Did you mean default"


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        ('a = "x', "line 1, column 7", "it is not TOML: ", 'Write KEY = "TEXT", KEY = NUMBER, or [SECTION]'),
        (
            "name = 1\n\nname = 2\n",
            "line 3, column 9",
            "it is not TOML: cannot overwrite",
            "Every key and section stands once",
        ),
        (
            "[region]\nname = “eu-west-1”\n",
            "line 2, column 8",
            "the line contains typographic quotes",
            'Write straight ones: "…"',
        ),
        (b'name = "\xff"\n', "line 1", "the file is not UTF-8 text", "Save it as UTF-8 in the editor"),
        ("a = " + "[" * 5000, "the file", "its brackets are nested too deeply", "Correct the brackets"),
        ("port = " + "9" * 5000, "the file", "it holds a value that TOML does not allow", "Correct it"),
    ],
)
def test_syntax_errors_are_placed(tmp_path: Path, text: str | bytes, key: str, problem: str, remedy: str) -> None:
    found = only(tmp_path, text)
    assert found.key == key
    assert found.problem.startswith(problem)
    assert found.remedy == remedy


@pytest.mark.parametrize(
    ("text", "key", "problem", "remedy"),
    [
        ("aws = 5", "aws", "it is a number, where a table is wanted", "Write a section [aws]"),
        ("hosts = 5", "hosts", "it is a number, where a list is wanted", "Write it in brackets"),
        ("hosts = [5]", "hosts[0]", "it is a number, where a table is wanted", "Write [[hosts]]"),
        ("credentials = []", "credentials", "it is a list, where a table is wanted", "Write a section"),
        ("name = 2024-01-01", "name", "it is a date or time, where text is wanted", "Write it in quotes"),
        ("expires_in_hours = 5", "expires_in_hours", "there is no key", "It belongs in [activation]"),
        ("frobnicate = 5", "frobnicate", "there is no key", "Delete it; what is known here: schema, name, "),
        ('[network.endpoints]\nsms = "x"', "network.endpoints.sms", "there is no key", "Did you mean ssm"),
        ('[region]\nname = "eu-west-1”"', "region.name", '"eu-west-1”" contains typographic quotes', "Delete them"),
        ('[region]\nname = ""', "region.name", '"" is not an AWS Region', "Write the Region's id"),
        (
            '[role]\nname = "/service-role/X"',
            "role.name",
            '"/service-role/X" begins with a slash',
            'Write "service-role/X"',
        ),
        (f'[role]\nname = "{"r" * 65}"', "role.name", "it has 65 characters, path included", "Use at most 64"),
        ('[role]\nname = "a b"', "role.name", '"a b" is not a valid IAM role name', "Use letters"),
        ('[role]\ncreate = "yes"', "role.create", "it is text, where yes or no is wanted", "Write true or false"),
        ("[activation]\nexpires_in_hours = 0", "activation.expires_in_hours", "0 is too small", "Use 1 or more"),
        (
            "[activation]\nexpires_in_hours = 1.5",
            "activation.expires_in_hours",
            "it is a number, where a whole",
            "Write digits",
        ),
        ('[activation]\nname = "a|b"', "activation.name", '"a|b" has a character that AWS refuses', "Use letters"),
        ('[activation]\nname = ""', "activation.name", "it has 0 characters", "Use 1 to 256"),
        ('[activation.tags]\nKey = "a;b"', "activation.tags", 'the tag "Key" has a character that AWS refuses', "Use"),
        ('[activation.tags]\n" Key" = "a"', "activation.tags", 'the tag " Key" begins or ends with a blank', "Delete"),
        ('[activation.tags]\n"" = "a"', "activation.tags", 'the tag key "" has 0 characters', "Use 1 to 128"),
        (f'[activation.tags]\nk = "{"x" * 257}"', "activation.tags", 'the value of tag "k" has 257', "Use at most 256"),
        (
            "[activation.tags]\n" + "".join(f'k{n} = ""\n' for n in range(51)),
            "activation.tags",
            "there are 51 tags",
            "AWS keeps at",
        ),
        ('[network]\nproxy = "proxy:3128"', "network.proxy", "it does not begin with http://", "Write it as http://"),
        (
            '[network]\nproxy = "http://proxy:99999"',
            "network.proxy",
            "it is not a valid URL, or its port",
            "Write it as http://",
        ),
        ('[network]\nproxy = "http://proxy/path"', "network.proxy", "it has a path", "Write it as http://"),
        ('[network]\nproxy = "http://"', "network.proxy", "its host is wrong", "Write it as http://"),
        (
            '[network]\nno_proxy = "a,b"',
            "network.no_proxy",
            "it is text, where a list is wanted",
            "Write it in brackets",
        ),
        ('[network]\nno_proxy = ["a,b"]', "network.no_proxy[0]", '"a,b" is not a valid host', "Write each host"),
        (
            '[region.measured]\ndate = "24.11.2026"',
            "region.measured.date",
            '"24.11.2026" is not a valid date',
            "Write it as 2026",
        ),
        (
            '[network.endpoints]\ns3 = "s3.example.com"',
            "network.endpoints.s3",
            "it does not begin with https://",
            "Write it",
        ),
        (
            '[network.endpoints]\nssmmessages = "https://vpce-1.example.com/path"',
            "network.endpoints.ssmmessages",
            "it has a path, which the agent ignores",
            "Write it as https://",
        ),
        (
            '[network.endpoints]\nssmmessages = "192.0.2.1:8443"',
            "network.endpoints.ssmmessages",
            "it does not begin with https://",
            "Write it as https://",
        ),
        (
            '[aws]\nendpoint_url = "https://aws.example.com"\n[network.endpoints]\nec2messages = "http://10.0.0.5"',
            "network.endpoints.ec2messages",
            "an endpoint without TLS is not used",
            "Write it as https://",
        ),
        ('[aws]\nendpoint_url = "https://a b"', "aws.endpoint_url", "it has a space", "Write it as"),
        (
            '[agent]\nsource = "http://mirror.example.com"',
            "agent.source",
            "a mirror without TLS is not used",
            "Write it as https://",
        ),
        (
            '[agent]\nsource = "ftp://mirror.example.com"',
            "agent.source",
            "it does not begin with https://",
            "Write it as",
        ),
        ('[agent]\nsource = "no-such-folder"', "agent.source", 'there is no folder "no-such-folder"', "Name a folder"),
        ('[agent]\nsource = ""', "agent.source", "it is empty", 'Write "aws"'),
        ("[run]\nmax_agent_starts = 26", "run.max_agent_starts", "26 is too large", "Use 25 or less"),
        ('hosts_file = "none.csv"', "hosts_file", '"none.csv" cannot be read: No such file', "Name a CSV file"),
        (
            '[credentials."a b"]\nkind = "ssh-agent"\nusername = "u"',
            'credentials."a b"',
            '"a b" is not a valid name for a credential',
            "Use",
        ),
        ('[credentials.a]\nusername = "u"', "credentials.a.kind", "it is missing", "Add it"),
        (
            '[credentials.a]\nkind = "ssh-agent"\nusername = ""',
            "credentials.a.username",
            '"" is not a valid user name',
            "Write",
        ),
        (
            '[credentials.a]\nkind = "ssh-key"\nusername = "u"',
            "credentials.a.key_file",
            "it is missing, and ssh-key",
            "Name",
        ),
        (
            '[credentials.a]\nkind = "ssh-key"\nusername = "u"\nkey_file = "none"',
            "credentials.a.key_file",
            "there is no file",
            "Name",
        ),
        (
            '[credentials.a]\nkind = "ssh-password"\nusername = "u"\nkey_file = "k"',
            "credentials.a.key_file",
            "ssh-password does not",
            "Delete",
        ),
        (
            '[credentials.a]\nkind = "ssh-agent"\nusername = "u"\nsudo = "no"',
            "credentials.a.sudo",
            '"no" is not known',
            "Use one of",
        ),
        (
            '[credentials.a]\nkind = "ssh-agent"\nusername = "u"\nsecret_command = []',
            "credentials.a.secret_command",
            "it is not a command",
            "Write a list of words",
        ),
        (
            '[credentials.a]\nkind = "ssh-agent"\nusername = "u"\nsecret_command = "pass \'x"',
            "credentials.a.secret_command",
            "its quotes do not match",
            "Write a list of words",
        ),
        (
            '[credentials]\na-b = { kind = "ssh-agent", username = "u" }\nA_B = { kind = "ssh-agent", username = "u" }',
            "credentials.A_B",
            'its secret would be that of "a-b": both are called ONBOARD_SECRET_A_B',
            "Rename one of them",
        ),
        (CREDENTIAL + '[[hosts]]\nname = ""\n', "hosts[0].name", "it is empty", "Give every server a name"),
        (CREDENTIAL + '[[hosts]]\nname = "#1"\n', "hosts[0].name", '"#1" begins with #', "Choose another name"),
        (
            CREDENTIAL + '[[hosts]]\nname = "web 1"\n',
            "hosts[0].address",
            'it is missing, and "web 1" is not a valid address',
            "Add it",
        ),
        (
            CREDENTIAL + '[[hosts]]\nname = "a"\nport = "22"\n',
            "hosts[0].port",
            "it is text, where a whole number",
            "Write digits",
        ),
        (
            CREDENTIAL + '[[hosts]]\nname = "a"\nprotocol = "shh"\n',
            "hosts[0].protocol",
            '"shh" is not known',
            "Did you mean ssh",
        ),
        (
            CREDENTIAL + '[[hosts]]\nname = "a"\naddress = "10.0.0.1:22"\n',
            "hosts[0].address",
            '"10.0.0.1:22" contains a port',
            "Write",
        ),
        (
            CREDENTIAL + '[[hosts]]\nname = "a"\naddress = "[::1]"\n',
            "hosts[0].address",
            '"[::1]" has brackets',
            "Write",
        ),
        (
            CREDENTIAL + '[[hosts]]\nname = "a"\naddress = "::g"\n',
            "hosts[0].address",
            '"::g" is not a valid IPv6 address',
            "Write",
        ),
        (
            CREDENTIAL + '[[hosts]]\nname = "a"\naddress = "root@b"\n',
            "hosts[0].address",
            '"root@b" contains a user name',
            "Write",
        ),
        (
            CREDENTIAL + '[[hosts]]\nname = "a"\naddress = "ssh://b"\n',
            "hosts[0].address",
            '"ssh://b" is a URL',
            "Write",
        ),
        (
            CREDENTIAL + '[[hosts]]\nname = "10.0.0.1"\n[[hosts]]\nname = "b"\naddress = "10.0.0.1"\nport = 22\n',
            "hosts[1].address",
            '"10.0.0.1" port 22 is already used at hosts[0]',
            "Rename or remove one of them",
        ),
        (
            '[[hosts]]\nname = "a"\n',
            "hosts[0].credential",
            'there is no credential "default"',
            "Add a section [credentials.default]",
        ),
    ],
)
def test_each_mistake_has_its_message(tmp_path: Path, text: str, key: str, problem: str, remedy: str) -> None:
    found = only(tmp_path, text)
    assert found.key == key
    assert found.problem.startswith(problem)
    assert found.remedy.startswith(remedy)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[extras]\noutput_bucket = "b"', "extras.output_bucket"),
        ('[extras]\noutput_prefix = ""', "extras.output_prefix"),
        ("[extras]\nstatus_topic = 'arn:aws:sns:eu-west-1:123456789012:t'", "extras.status_topic"),
        (CREDENTIAL + '[[hosts]]\nname = "a"\njump = "b"', "hosts[0].jump"),
        (CREDENTIAL + '[[hosts]]\nname = "a"\nprotocol = "winrm"', "hosts[0].protocol"),
        (CREDENTIAL + '[[hosts]]\nname = "a"\nprotocol = "winrm-http"', "hosts[0].protocol"),
        ('[credentials.w]\nkind = "winrm-ntlm"\nusername = "u"', "credentials.w.kind"),
        ('[credentials.w]\nkind = "winrm-kerberos"\nusername = "u"', "credentials.w.kind"),
        ('[credentials.w]\nkind = "winrm-certificate"\nusername = "u"', "credentials.w.kind"),
    ],
)
def test_what_does_not_exist_yet_is_refused_by_name(tmp_path: Path, text: str, key: str) -> None:
    found = only(tmp_path, text)
    assert found.key == key
    assert found.problem.endswith("is not available in this version")


SECRET = "correct-horse-battery"
SECRET_PLACES = [
    f'password = "{SECRET}"',
    f'[aws]\naws_secret_access_key = "{SECRET}"',
    f'[aws]\naws_session_token = "{SECRET}"',
    f'[activation]\nactivation_code = "{SECRET}"',
    f'[credentials.a]\nkind = "ssh-password"\nusername = "u"\npassword = "{SECRET}"',
    f'[credentials.a]\nkind = "ssh-password"\nusername = "u"\npasword = "{SECRET}"',
    f'[credentials.a]\nkind = "ssh-password"\nusername = "u"\nSecret = "{SECRET}"',
    f'[credentials.a]\nkind = "ssh-agent"\nusername = "u"\nkey-passphrase = "{SECRET}"',
    f'[network]\nproxy = "http://user:{SECRET}@proxy:3128"',
    f'[network]\nproxy = "http://{SECRET}@proxy:3128"',
    f'[agent]\nsource = "https://user:{SECRET}@mirror.example.com"',
    f'[aws]\nendpoint_url = "https://user:{SECRET}@aws.example.com"',
    f'[credentials.a]\nkind = "ssh-key"\nusername = "u"\nkey_file = """-----BEGIN RSA PRIVATE KEY-----\n{SECRET}"""',
]


@pytest.mark.parametrize("text", SECRET_PLACES)
def test_a_secret_is_refused_with_where_it_goes_and_not_repeated(tmp_path: Path, text: str) -> None:
    found = only(tmp_path, text)
    assert "secrets are never stored in" in found.problem
    assert SECRET not in str(found)


@pytest.mark.parametrize(
    "text",
    [
        f'password = "{SECRET}',  # no closing quote
        f'password = {SECRET}"',
        f'[a]\npassword = "{SECRET}"\n[a]\n',
        f'[network]\nproxy = "http://user:{SECRET}/x@proxy:3128"',
        f'[network]\nproxy = "http://user:{SECRET} @proxy:3128"',
        f'[network]\nproxy = "https://user:{SECRET}@proxy:3128"',
        f'[network]\nproxy = "user:{SECRET}@proxy:3128"',
        f'[network]\nproxy = "http://user:{SECRET}”@proxy:3128"',
        f'[credentials.a]\npassword = ["{SECRET}"]',
        f'[credentials.a]\nsecret_command = {{ "{SECRET}" = 5 }}',
    ],
)
def test_a_secret_in_a_broken_profile_is_not_repeated(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.toml").write_text(text)
    with pytest.raises(ProfileError) as refused:
        load(tmp_path / "p.toml")
    error: BaseException | None = refused.value
    while error is not None:
        assert SECRET not in f"{error!r} {error} {getattr(error, 'problems', '')}"
        error = error.__cause__ or error.__context__


def test_servers_that_share_an_unknown_credential_are_one_problem(tmp_path: Path) -> None:
    servers = "".join(f'[[hosts]]\nname = "s{n}"\ncredential = "web"\n' for n in range(50))
    found = only(tmp_path, CREDENTIAL + servers)
    assert (found.key, found.problem) == ("hosts[0].credential", 'there is no credential "web", which 50 servers use')


@pytest.mark.parametrize(
    "address",
    [
        "192.0.2.1",
        "2001:db8::1",
        "fe80::1%eth0",
        "web01",
        "web_01.example.com",
        "xn--bcher-kva.example",
        "a.b.c.",
        "1a",
    ],
)
def test_addresses_of_every_form_are_taken(tmp_path: Path, address: str) -> None:
    assert problems(tmp_path, CREDENTIAL + f'[[hosts]]\nname = "a b"\naddress = "{address}"\n') == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\ufeffschema = 1",
        "schema = 1\r\n[region]\r\nname = 'us-gov-west-1'\r\n",
        '[region]\nname = "ap-southeast-7"',
        '[region]\nname = "eusc-de-east-1"',
        '[role]\nname = "service-role/AmazonEC2RunCommandRoleForManagedInstances"',
        '[activation]\nname = "Größe 1 – Süd"'.replace("–", "-"),
        '[network]\nproxy = "http://[2001:db8::1]:3128/"\nno_proxy = ["*", ".corp", "10.0.0.0/8", "fd00::/8"]',
        '[agent]\nsource = "http://127.0.0.1:8000/bucket"',
        '[agent]\nsource = "."',
        '[aws]\nprofile = ""',
        "[extras]",
        '[credentials.a]\nkind = "ssh-password"\nusername = "DOM\\\\user"\nsecret_command = "pass show x"',
    ],
)
def test_what_is_right_is_taken(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text) == {}


def test_a_fix_that_no_step_is_called_is_a_mistake_with_the_nearest_name(tmp_path: Path) -> None:
    found = problems(tmp_path, '[run]\nfixes = ["install_roots", "install_rots"]\n')
    assert list(found) == ["run.fixes[1]"]
    assert found["run.fixes[1]"].problem == 'no step is called "install_rots"'
    assert found["run.fixes[1]"].remedy.startswith("Did you mean install_roots?")
    assert not problems(tmp_path, '[run]\nfixes = ["install_roots"]\n')


def test_a_profile_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProfileError) as refused:
        load(tmp_path / "none.toml")
    assert refused.value.problems[0].problem == "it cannot be read: No such file or directory"
    with pytest.raises(ProfileError):
        load(tmp_path)


TOML_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates() | st.just("a\0b"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
SECTIONS = ["aws", "region", "role", "activation", "network", "agent", "extras", "run", "credentials", "hosts"]
HOST_KEYS = ["address", "port", "protocol", "credential", "jump", "tags", "name"]
OTHER_KEYS = ["schema", "hosts_file", "endpoints", "kind", "username", "key_file", "sudo", "secret_command", "password"]
VALUE_KEYS = ["source", "version", "proxy", "no_proxy", "create", "canary"]
KEYS = st.text(max_size=4) | st.sampled_from([*SECTIONS, *HOST_KEYS, *OTHER_KEYS, *VALUE_KEYS])
PROFILES = st.dictionaries(
    KEYS,
    TOML_VALUES
    | st.dictionaries(KEYS, TOML_VALUES | st.dictionaries(KEYS, TOML_VALUES, max_size=3), max_size=4)
    | st.lists(st.dictionaries(KEYS, TOML_VALUES, max_size=5), max_size=4),
    max_size=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=PROFILES)
def test_no_content_gives_a_traceback(tmp_path: Path, content: dict[str, object]) -> None:
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    def without_none(value: object) -> object:
        if isinstance(value, dict):
            return {key: without_none(inner) for key, inner in value.items() if inner is not None}
        return [without_none(inner) for inner in value if inner is not None] if isinstance(value, list) else value

    try:
        text = tomlkit.dumps(without_none(content))  # type: ignore[arg-type]
        data = text.encode()
    except (TOMLKitError, UnicodeEncodeError, ValueError, TypeError):
        return
    _ends_well(tmp_path, data)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_no_bytes_give_a_traceback(tmp_path: Path, data: bytes) -> None:
    _ends_well(tmp_path, data)


def _ends_well(folder: Path, data: bytes) -> None:
    """In a value, or in problems that say something. (Two mistakes of one key are one key twice here.)"""
    path = folder / "p.toml"
    path.write_bytes(data)
    told: tuple[Problem, ...] = ()
    try:
        load(path)
    except ProfileError as error:
        told = error.problems
    assert all(problem.key and problem.problem and problem.remedy for problem in told)
    assert "".join(map(str, told)).isprintable()


def problems_of(path: Path, text: str) -> str:
    path.write_text(text)
    with pytest.raises(ProfileError) as refused:
        load(path)
    return "\n".join(map(str, refused.value.problems))


@pytest.mark.parametrize("listed", ["name,address\n", "name,address\n\n\n"])
def test_a_list_without_a_server_is_told(tmp_path: Path, listed: str) -> None:
    (tmp_path / "list.csv").write_text(listed)
    told = problems_of(tmp_path / "p.toml", 'schema = 1\nname = "p"\nhosts_file = "list.csv"\n')
    assert "no server" in told


@pytest.mark.parametrize("form", ["{} = 1", "[{}]", "[[{}]]", "name.{} = 1"])
@pytest.mark.parametrize("parts", [100, 3000])
def test_a_key_of_thousands_of_parts_is_told(tmp_path: Path, form: str, parts: int) -> None:
    told = problems_of(tmp_path / "p.toml", "schema = 1\n" + form.format(".".join("a" * parts)) + "\n")
    assert "nested too deeply" in told


def test_paths_that_are_longer_than_a_path_may_be_are_told(tmp_path: Path) -> None:
    long = "x" * 10_000
    text = f'[credentials.a]\nkind = "ssh-key"\nusername = "u"\nkey_file = "{long}"\n[agent]\nsource = "{long}"\n'
    told = problems_of(tmp_path / "p.toml", text)
    assert "credentials.a.key_file: there is no file" in told
    assert "agent.source: there is no folder" in told


@pytest.mark.parametrize("path", [r"C:\Users\me\key", r"C:\keys\me", r"C:\x\me", r"C:\new\test", r"D:\uffff\k"])
def test_a_windows_path_between_double_quotes_is_told_as_that(tmp_path: Path, path: str) -> None:
    text = f'schema = 1\n[credentials.a]\nkind = "ssh-key"\nusername = "u"\nkey_file = "{path}"\n'
    assert "between single quotes" in problems_of(tmp_path / "p.toml", text)
