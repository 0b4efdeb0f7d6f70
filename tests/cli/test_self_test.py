"""onboard self-test, and what the program says of itself on the command line."""

import json

import pytest

from onboard import __version__
from onboard.cli import self_test
from onboard.cli.main import main


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """Parts that fail in every way, with a well one before and after."""

    def lacks() -> str:
        raise self_test.Wrong("its file is missing")

    def breaks() -> str:
        return str(1 / 0)

    parts = {"first": lambda: "is well", "lacking": lacks, "breaking": breaks, "last": lambda: "is well too"}
    monkeypatch.setattr(self_test, "PARTS", parts)
    return parts  # type: ignore[return-value]


def test_this_checkout_is_well(capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["self-test", "--json"])
    lines = [json.loads(line) for line in capfd.readouterr().out.splitlines()]
    assert {line["part"]: line["told"] for line in lines[:-1] if not line["well"]} == {}
    assert [line["part"] for line in lines[:-1]] == list(self_test.PARTS)
    assert lines[-1]["event"] == "run_finished"
    assert code == 0


@pytest.mark.usefixtures("parts")
def test_each_line_says_what_is_wrong_and_the_rest_is_looked_at(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["self-test"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "✓ first              is well",
        "✕ lacking            its file is missing",
        "✕ breaking           ZeroDivisionError: division by zero",
        "✓ last               is well too",
    ]


def test_a_child_that_fails_tells_its_last_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_test, "console_program", lambda: ["sh", "-c", "echo no libraries >&2; exit 3"])
    with pytest.raises(self_test.Wrong, match="it ended with 3: no libraries"):
        self_test._engine()


def test_version_for_people_and_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"onboard {__version__}\n"
    assert main(["--version", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["version"] == __version__
    assert told["home"]
    assert main(["--json", "runs"]) == 2
