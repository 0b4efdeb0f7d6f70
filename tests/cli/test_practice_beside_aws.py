"""Practice beside an AWS configuration of the user's that would break it, or be reached by it."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cli.conftest import Console

pytest.importorskip("onboard.practice.serve", reason="needs the extra: practice")


@pytest.fixture
def configured(console: Console) -> Console:
    """With a configuration that lays down a profile, credentials and endpoints of the user's."""
    config = console.folder / "config"
    config.write_text("[default]\nendpoint_url = http://127.0.0.1:9\nregion = us-east-1\n[this is damaged\n")
    users = {
        "AWS_PROFILE": "production",
        "AWS_DEFAULT_PROFILE": "production",
        "AWS_SESSION_TOKEN": "canary-token",
        "AWS_ACCESS_KEY_ID": "AKIACANARY",
        "AWS_ENDPOINT_URL_SSM": "http://127.0.0.1:9",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:9",
        "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(config),
    }
    return replace(console, environment={**console.environment, **users})


def test_the_whole_journey_has_nothing_of_it(configured: Console) -> None:
    ended = configured("practice", "--run", "--hosts", "1", "--json")
    assert {line["status"] for line in ended.hosts().values()} == {"online"}


def test_a_shell_that_follows_what_serve_says_has_nothing_of_it(configured: Console) -> None:
    folder = configured.folder / "practice"
    with subprocess.Popen(
        configured.command("practice", "--serve", str(folder), "--hosts", "1"),
        env=configured.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "ready\n"
        said = [process.stderr.readline().strip() for _ in range(5)]
        try:
            inside = in_shell(configured, [line for line in said if line.startswith(("unset ", "set "))])
            assert inside == in_shell(Console({}, Path("/")), [f"set -a; . {folder}/env"])
            assert inside["AWS_CONFIG_FILE"] == "/dev/null"
            profile = ("--profile", str(folder / "profile.toml"))
            program = replace(configured, environment={**configured.environment, **inside})
            for name in set(configured.environment) - set(inside):
                if name.startswith("AWS_"):
                    del program.environment[name]
            program("trust", *profile, "--known-hosts", str(folder / "known_hosts"))
            assert {line["status"] for line in program("check", *profile, "--json").hosts().values()} == {"ready"}
        finally:
            process.terminate()
            process.communicate(timeout=30)


def in_shell(console: Console, lines: list[str]) -> dict[str, str]:
    """The AWS_ variables that a shell has after these lines."""
    path = console.environment.get("PATH", "/usr/bin:/bin")
    done = subprocess.run(
        ["sh", "-c", "\n".join([*lines, "env"])],
        env={**console.environment, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    found = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    return {name: value for name, value in found.items() if name.startswith("AWS_")}
