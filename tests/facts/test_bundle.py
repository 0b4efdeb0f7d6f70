import os
import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from posix_shells import SHELLS, shell

from onboard.facts import bundle
from onboard.facts.base import Answer, Fact, FactError, Facts, Unknown, Wanted, to_json
from onboard.facts.catalog import facts_of
from onboard.facts.posix import proxy_in_force
from onboard.hosts.connection import ScriptResult
from onboard.model.endpoints import Endpoints
from onboard.model.family import Family
from onboard.scripts.posix import POSIX, Posix

FACTS = facts_of(Family.POSIX)

WANTED = Wanted(Endpoints("http://127.0.0.1:9", "http://127.0.0.1:9", None, "http://127.0.0.1:9"), "http://it's:1")


def text_fact(name: str, timeout: float = 10.0) -> Fact[str]:
    return Fact(name, lambda answer: answer.stdout, timeout)


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Scripts of facts that only this test knows."""
    known: dict[str, str] = {}
    shipped = POSIX.file

    def file(dialect: Posix, name: str) -> str:
        folder, _, fact = name.rpartition("/")
        return f"# fact: {fact}\n{known[fact]}" if folder == "facts" else shipped(name)

    monkeypatch.setattr(Posix, "file", file)
    return known


@pytest.fixture(params=sorted(SHELLS))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], ScriptResult]:
    """Runs a script as a server does whose `sh` is each of the shells."""
    command = shell(request.param)
    (tmp_path / "bin").mkdir()
    sh = tmp_path / "bin" / "sh"
    sh.write_text(f'#!/bin/bash\nexec {" ".join(command)} "$@"\n')
    sh.chmod(0o755)
    environment = {"PATH": f"{sh.parent}:{os.environ['PATH']}", "HOME": "/"}

    def ran(script: str) -> ScriptResult:
        done = subprocess.run(command, input=script.encode(), capture_output=True, env=environment, check=False)
        return ScriptResult(done.returncode, done.stdout, done.stderr)

    return ran


def leftovers(script: str) -> list[Path]:
    found = re.search(r"^mark=(\w+)$", script, re.MULTILINE)
    assert found
    return [path for place in ("/dev/shm", "/run", "/tmp", "/var/tmp") for path in Path(place).glob(f"*{found[1]}*")]


def alive(sign: str) -> list[str]:
    """Command lines of this machine's processes that hold `sign`."""
    lines = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            lines.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return [line for line in lines if sign in line]


def test_every_answer_comes_back_as_its_script_printed_it(
    scripts: dict[str, str], run: Callable[[str], ScriptResult]
) -> None:
    scripts |= {
        "plain": "echo one; echo two",
        "bare": "printf 'no newline at the end'",
        "empty": ":",
        "odd": r"printf '\n\303\244\n\nonboard-facts 0123 end x 0 0\n'",
        "told": 'printf "%s\n" "$ONBOARD_PROXY" "$ONBOARD_ENDPOINTS" "$LC_ALL"',
        "input": "cat; echo over",
    }
    facts = [text_fact(name) for name in scripts]
    script = bundle.compose(POSIX, facts, WANTED)
    result = run(script)
    assert bundle.parse(facts, result).known() == {
        "plain": "one\ntwo\n",
        "bare": "no newline at the end",
        "empty": "",
        "odd": "\nä\n\nonboard-facts 0123 end x 0 0\n",
        "told": "http://it's:1\nssm http://127.0.0.1:9\nssmmessages http://127.0.0.1:9\ns3 http://127.0.0.1:9\nC\n",
        "input": "over\n",
    }
    assert result.exit_code == 0
    assert result.stderr == b""
    assert leftovers(script) == []


def test_what_hangs_fails_floods_or_is_no_shell_costs_its_own_answer_only(
    scripts: dict[str, str], run: Callable[[str], ScriptResult]
) -> None:
    sign = f"86{os.getpid()}"
    scripts |= {
        "hangs": f"echo begun; sleep {sign}1 & sleep {sign}2; echo over",
        "deaf": f"trap '' TERM HUP INT; sleep {sign}3",
        "fails": "echo half; echo 'no such thing' >&2; exit 3",
        "dies": "kill -9 $$",
        "broken": "if then fi (",
        "floods": "yes | dd bs=1024 count=3000 2>/dev/null",
        "endless": "while :; do echo more; done",
        "leaves": f"sleep {sign}4 & echo done",
        "fine": "echo fine",
    }
    facts = [text_fact(name, 1.0 if name in ("hangs", "deaf") else 20.0) for name in scripts]
    script = bundle.compose(POSIX, facts, WANTED)
    begun = time.monotonic()
    result = run(script)
    assert time.monotonic() - begun < 10
    answers = bundle.parse(facts, result)
    assert answers.known() == {"fine": "fine\n", "leaves": "done\n"}
    unknown = answers.unknown()
    assert "time limit" in unknown["hangs"]
    assert "time limit" in unknown["deaf"]
    assert unknown["fails"] == "no such thing"
    assert "failed with exit code" in unknown["dies"]  # ksh counts signals from 256, others from 128
    assert set(unknown) == set(scripts) - {"fine", "leaves"}
    assert len(result.stdout) < 3 * bundle.SECTION_LIMIT
    assert alive(sign) == []
    assert leftovers(script) == []


def test_a_server_that_nothing_can_be_written_to_says_so(scripts: dict[str, str]) -> None:
    scripts["any"] = "echo"
    facts = [text_fact("any")]
    script = re.sub(r"for parent in .*; do", "for parent in /proc /nowhere; do", bundle.compose(POSIX, facts, WANTED))
    done = subprocess.run(["bash", "--posix"], input=script.encode(), capture_output=True, check=False)
    answers = bundle.parse(facts, ScriptResult(done.returncode, done.stdout, done.stderr))
    assert "no temporary folder" in answers.unknown()["any"]


def test_the_shipped_questions_are_answered_by_this_machine(run: Callable[[str], ScriptResult]) -> None:
    script = bundle.compose(POSIX, FACTS, WANTED)
    answers = bundle.parse(FACTS, run(script))
    assert answers.unknown() == {}
    assert leftovers(script) == []


def answered(facts: list[Fact[str]], output: bytes, stderr: bytes = b"", code: int = 0) -> Facts:
    return bundle.parse(facts, ScriptResult(code, output, stderr))


def test_practice_servers_answer_what_is_asked(scripts: dict[str, str]) -> None:
    scripts |= {"one": "#!/bin/sh", "two": "", "three": ""}
    facts = [text_fact("one"), text_fact("two"), text_fact("three")]
    script = bundle.compose(POSIX, facts, WANTED)
    assert bundle.asked(script) == ["one", "two", "three"]
    output = bundle.answer(script, {"one": Answer("1\n"), "three": Answer("3", "odd\nworse", 2), "four": Answer("4")})
    answers = answered(facts, output)
    assert answers.known() == {"one": "1\n"}
    assert answers.unknown() == {"two": "the server gave no answer to this", "three": "worse"}


def test_the_shipped_scripts_name_their_facts() -> None:
    assert bundle.asked(bundle.compose(POSIX, FACTS, WANTED)) == [fact.name for fact in FACTS]


@given(
    outputs=st.dictionaries(st.from_regex(r"[a-z]{3,9}", fullmatch=True), st.text(), max_size=4),
    before=st.binary(),
    after=st.binary(),
)
def test_answers_survive_any_noise_around_them(outputs: dict[str, str], before: bytes, after: bytes) -> None:
    script = "mark=" + "a1" * 16 + "\n" + "".join(f"# fact: {name}\n" for name in outputs)
    answers = {name: Answer(text, began=7.0) for name, text in outputs.items()}
    output = before + bundle.answer(script, answers) + after
    assert bundle.split(ScriptResult(0, output, b""), received=7.0) == answers


def test_an_answer_that_broke_off_is_unknown(scripts: dict[str, str]) -> None:
    scripts |= {"one": "", "two": ""}
    facts = [text_fact("one"), text_fact("two")]
    script = bundle.compose(POSIX, facts, WANTED)
    output = bundle.answer(script, {"one": Answer("1"), "two": Answer("2" * 500)})
    answers = answered(facts, output[: len(output) - 200])
    assert answers.known() == {"one": "1"}
    assert answers.unknown() == {"two": "the server's answer was cut off"}
    assert "cannot fork" in answered(facts, b"banner", b"noise\nsh: cannot fork\n", 2).unknown()["one"]


def test_an_answer_that_holds_marks_of_other_answers_is_unknown(scripts: dict[str, str]) -> None:
    scripts |= {"one": "", "two": ""}
    facts = [text_fact("one"), text_fact("two")]
    output = bundle.answer(bundle.compose(POSIX, facts, WANTED), {"one": Answer("1"), "two": Answer("2")})
    mark, _, _ = output.partition(b" begin\n")
    inserted = output.replace(b"one\n1", b"one\n1" + mark + b" section two\n")
    answers = answered(facts, inserted)
    assert answers.known() == {"two": "2"}
    assert answers.unknown() == {"one": "the server's answer was not understood"}
    assert set(answered(facts, b"nothing").unknown().values()) == {"the server's answer was not understood"}


def test_a_parser_that_does_not_understand_makes_it_unknown(scripts: dict[str, str]) -> None:
    def parse(answer: Answer) -> str:
        raise FactError(f"what is {answer.stdout}?")

    scripts["one"] = ""
    fact = Fact("one", parse)
    script = bundle.compose(POSIX, [fact], WANTED)
    facts = bundle.parse([fact], ScriptResult(0, bundle.answer(script, {"one": Answer("this")}), b""))
    assert facts.get(fact) == Unknown("what is this?")


def test_values_become_plain_json_types() -> None:
    assert to_json({"a": (1, Answer("x")), "b": frozenset({"z", "y"})}) == {
        "a": [1, {"stdout": "x", "stderr": "", "exit_code": 0, "began": None}],
        "b": ["y", "z"],
    }


def test_a_slow_answer_makes_no_slow_clock(scripts: dict[str, str], run: Callable[[str], ScriptResult]) -> None:
    scripts |= {"clock": "date +%s", "slow": "sleep 2"}
    fact = Fact("clock", lambda answer: (float(answer.stdout), answer.began))
    facts = [fact, text_fact("slow")]
    here = time.time()
    server, began = bundle.parse(facts, run(bundle.compose(POSIX, facts, WANTED))).known()["clock"]
    assert abs(server - here) < 2
    assert abs(began - here) < 1.9  # 2 without what the script took


def test_what_the_scripts_are_told_is_no_setting_of_the_server() -> None:
    script = bundle.compose(POSIX, (proxy_in_force.FACT,), WANTED)
    done = subprocess.run(
        ["dash"], input=script.encode(), capture_output=True, env={"PATH": os.environ["PATH"]}, check=True
    )
    answers = bundle.parse((proxy_in_force.FACT,), ScriptResult(0, done.stdout, done.stderr))
    found = answers.get(proxy_in_force.FACT)
    assert not isinstance(found, Unknown)
    assert found.login == {}
