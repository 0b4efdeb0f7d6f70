import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest
from endpoints import certificate, closed_port, dropping, hanging_up, over_tls, plain, proxy, serving, silent
from posix_shells import SHELLS, script_of, shell, tools

from onboard.facts.base import Answer, Fact
from onboard.facts.posix.endpoint_reach import FACT, EndpointReach, Outcome

OTHERS = {"curl": ("openssl", "python"), "python": ("curl", "openssl"), "openssl": ("curl", "python")}


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    return certificate(tmp_path_factory.mktemp("ca"), "Gate Keepers", "Gate CA 7")


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """tool → a PATH with this one of the tools only."""
    folder = tmp_path_factory.mktemp("paths")
    made = {tool: tools(folder / tool, *others) for tool, others in OTHERS.items()}
    made["none"] = tools(folder / "none", "curl", "openssl", "python")
    if not (Path(made["python"]) / "python3").exists():
        (Path(made["python"]) / "python3").symlink_to(Path(sys.executable).resolve())
    return made


@pytest.fixture(params=["curl", "python", "openssl"])
def tool(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    if shutil.which("python3" if name == "python" else name) is None:
        pytest.skip(f"needs {name}")
    return name


def ask(path: str, endpoints: dict[str, str], *, shell_name: str = "dash", limit: float = 4, **variables: str) -> str:
    script = script_of("endpoint_reach").replace("limit=8", f"limit={limit:.0f}").replace("8.0", f"{limit:.1f}")
    environment = {
        "PATH": path,
        "LC_ALL": "C",
        "ONBOARD_ENDPOINTS": "\n".join(f"{service} {url}" for service, url in endpoints.items()),
        **variables,
    }
    # By its address: the PATH that the script sees has not all there is.
    done = subprocess.run(
        shell(shell_name), input=script, capture_output=True, env=environment, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def reach(path: str, endpoints: dict[str, str], **more: str) -> EndpointReach:
    return FACT.parse(Answer(ask(path, endpoints, **more)))


def test_tls_is_reached_and_its_issuer_named(tool: str, paths: dict[str, str], context: ssl.SSLContext) -> None:
    with serving(over_tls(context)) as port:
        found = reach(paths[tool], {"ssm": f"https://localhost:{port}"}).of("ssm")
    assert found is not None
    assert (found.outcome, found.tool, found.status, found.error) == (Outcome.REACHED, tool, 404, "")
    assert found.date == 1795499009.0
    assert found.at is not None
    assert abs(found.at - 1795499009.0) > 1  # the server's own clock, not the endpoint's
    assert "Gate CA 7" in found.certificates[0].issuer
    assert "Gate Keepers" in found.certificates[0].issuer
    assert "localhost" in found.certificates[0].subject
    if tool == "openssl":
        assert "Gate CA 7" in found.certificates[1].subject


def test_each_kind_of_failure_is_told_apart(tool: str, paths: dict[str, str], context: ssl.SSLContext) -> None:
    with serving(silent) as mute, serving(hanging_up) as rude, serving(plain) as no_tls, dropping() as black_hole:
        found = reach(
            paths[tool],
            {
                "closed": f"https://127.0.0.1:{closed_port()}",
                "mute": f"https://127.0.0.1:{mute}",
                "rude": f"https://127.0.0.1:{rude}",
                "plain": f"https://127.0.0.1:{no_tls}",
                "dropped": f"https://127.0.0.1:{black_hole}",
                "nameless": "https://no-such-name.invalid",
            },
        )
    outcomes = {endpoint.service: endpoint.outcome for endpoint in found.endpoints}
    assert outcomes == {
        "closed": Outcome.REFUSED,
        "mute": Outcome.TIMED_OUT if tool == "openssl" else Outcome.NO_ANSWER,
        "rude": Outcome.NO_ANSWER,
        "plain": outcomes["plain"],
        "dropped": Outcome.TIMED_OUT,
        "nameless": Outcome.NO_ADDRESS,
    }
    # Where TLS meets plain text the far side waits for a head that never ends.
    assert outcomes["plain"] is outcomes["mute"]
    assert all(endpoint.error or tool == "openssl" for endpoint in found.endpoints)


def test_plain_http_is_reached(paths: dict[str, str]) -> None:
    with serving(plain) as port:
        for tool in ("curl", "python"):
            found = reach(paths[tool], {"ssm": f"http://127.0.0.1:{port}"}).of("ssm")
            assert found is not None
            assert (found.outcome, found.status, found.certificates) == (Outcome.REACHED, 404, ())
            assert found.date == 1795499009.0
        lone = reach(paths["openssl"], {"ssm": f"http://127.0.0.1:{port}"})
    assert [endpoint.outcome for endpoint in lone.untried] == [Outcome.UNKNOWN]


def test_without_any_tool_it_stays_unknown(paths: dict[str, str]) -> None:
    found = reach(paths["none"], {"ssm": "https://127.0.0.1:9", "s3": "https://127.0.0.1:9"})
    assert [endpoint.service for endpoint in found.untried] == ["s3", "ssm"]
    assert "neither curl" in found.untried[0].error


def test_the_profiles_proxy_is_gone_through(tool: str, paths: dict[str, str], context: ssl.SSLContext) -> None:
    seen: list[str] = []
    with serving(over_tls(context)) as port, serving(proxy(seen)) as proxy_port:
        found = reach(
            paths[tool],
            {"ssm": f"https://localhost:{port}", "s3": f"https://127.0.0.1:{port}"},
            ONBOARD_PROXY=f"http://127.0.0.1:{proxy_port}",
            ONBOARD_NO_PROXY="10.0.0.1,127.0.0.1",
            https_proxy="http://127.0.0.1:1",  # a login's own, which the agent does not see
        )
    ssm, s3 = found.of("ssm"), found.of("s3")
    assert ssm is not None
    assert s3 is not None
    assert (ssm.outcome, ssm.via, ssm.status) == (Outcome.REACHED, f"http://127.0.0.1:{proxy_port}", 404)
    assert "Gate CA 7" in ssm.certificates[0].issuer
    assert (s3.outcome, s3.via) == (Outcome.REACHED, "")
    assert [head.split("\r\n")[0] for head in seen] == [
        f"CONNECT localhost:{port} HTTP/1.{'0' if tool == 'openssl' else '1'}"
    ]


@pytest.mark.parametrize("shell_name", SHELLS)
@pytest.mark.parametrize(
    ("no_proxy", "exempt"),
    [
        ("::1", []),
        ("[::1]:80,:443", []),
        ("127.0.0.1, ::1 , .example.org", ["below"]),
        ("example.org:443", ["below", "domain"]),
        ("*.example.org", ["below"]),
        ("::1,*", ["below", "domain", "other"]),
    ],
)
def test_what_is_reached_without_the_proxy(
    paths: dict[str, str], shell_name: str, no_proxy: str, exempt: list[str]
) -> None:
    endpoints = {"domain": "https://example.org", "below": "https://ssm.example.org", "other": "https://other.test"}
    proxy = "http://127.0.0.1:3128"
    told = ask(paths["none"], endpoints, shell_name=shell_name, ONBOARD_PROXY=proxy, ONBOARD_NO_PROXY=no_proxy)
    found = FACT.parse(Answer(told))
    assert sorted(one.service for one in found.endpoints if not one.via) == exempt


@pytest.mark.parametrize("password", ["canary@12", "can/ary", "canary@/", "canary", "can[ary"])
def test_no_proxys_password_is_told_however_it_is_written(tool: str, paths: dict[str, str], password: str) -> None:
    for scheme in ("http://", ""):
        proxy = f"{scheme}bob:{password}@127.0.0.1:{closed_port()}"
        told = ask(paths[tool], {"ssm": "https://localhost:9"}, ONBOARD_PROXY=proxy)
        assert not [line for line in told.splitlines() if "bob" in line or "can" in line.replace("cannot", "")], told
        assert f"ssm via http://{proxy.rpartition('@')[2]}\n" in told


def test_a_proxy_that_refuses_or_is_away_is_named(tool: str, paths: dict[str, str]) -> None:
    with serving(proxy([], refuse=True)) as proxy_port:
        for address in (f"http://127.0.0.1:{proxy_port}", f"127.0.0.1:{closed_port()}"):
            found = reach(paths[tool], {"ssm": "https://localhost:9"}, ONBOARD_PROXY=address).of("ssm")
            assert found is not None
            assert found.outcome is Outcome.PROXY_FAILED
            assert found.error


@pytest.mark.parametrize("name", ["curl", "python"])
def test_a_proxys_password_is_used_and_not_shown(name: str, paths: dict[str, str], context: ssl.SSLContext) -> None:
    seen: list[str] = []
    with serving(over_tls(context)) as port, serving(proxy(seen)) as proxy_port:
        given = f"http://bob:s3cr%40t@127.0.0.1:{proxy_port}"
        output = ask(paths[name], {"ssm": f"https://localhost:{port}"}, ONBOARD_PROXY=given)
    assert "Proxy-Authorization: Basic Ym9iOnMzY3JAdA==" in seen[0]
    assert "s3cr" not in output
    found = FACT.parse(Answer(output)).of("ssm")
    assert found is not None
    assert (found.outcome, found.via) == (Outcome.REACHED, f"http://127.0.0.1:{proxy_port}")


@pytest.mark.parametrize("name", ["bash", "busybox", "mksh", "ksh93"])
def test_other_shells_find_the_same(name: str, paths: dict[str, str], context: ssl.SSLContext) -> None:
    with serving(over_tls(context)) as port:
        endpoints = {"ssm": f"https://localhost:{port}", "s3": f"https://127.0.0.1:{closed_port()}"}
        for tool in OTHERS:
            found = FACT.parse(Answer(ask(paths[tool], endpoints, shell_name=name)))
            assert [endpoint.outcome for endpoint in found.endpoints] == [Outcome.REFUSED, Outcome.REACHED], tool


def test_the_agents_own_proxy_is_used_when_none_is_given(
    tmp_path: Path, paths: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    drop_in = tmp_path / "etc/systemd/system/amazon-ssm-agent.service.d/proxy.conf"
    drop_in.parent.mkdir(parents=True)
    drop_in.write_text(
        '[Service]\nEnvironment="http_proxy=http://10.9.9.9:1" "HTTPS_PROXY=http://127.0.0.1:1"'
        ' "no_proxy=169.254.169.254"\n'
    )
    script = script_of("endpoint_reach").replace("/etc/", f"{tmp_path}/etc/")
    monkeypatch.setattr("test_endpoint_reach.script_of", lambda name: script)
    found = reach(paths["curl"], {"ssm": "https://localhost:9", "s3": "https://169.254.169.254:9"}, limit=1)
    ssm, s3 = found.of("ssm"), found.of("s3")
    assert ssm is not None
    assert s3 is not None
    assert (ssm.via, ssm.outcome) == ("http://127.0.0.1:1", Outcome.PROXY_FAILED)
    assert s3.via == ""


def test_its_section_outlasts_its_slowest_endpoint() -> None:
    assert isinstance(FACT, Fact)
    assert "\nlimit=8\n" in script_of("endpoint_reach")
    assert FACT.timeout > 8 + 2  # what by_python waits for its workers
