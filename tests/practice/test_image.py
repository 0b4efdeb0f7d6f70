"""Images: what files say, what they take from their bases, and every mistake by name."""

import dataclasses
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from onboard.facts import bundle
from onboard.facts.amazon_roots import AMAZON_ROOTS
from onboard.facts.base import Unknown, Wanted
from onboard.facts.catalog import facts_of
from onboard.hosts.connection import ScriptResult
from onboard.model.endpoints import Endpoints
from onboard.model.errors import ProfileError
from onboard.model.family import Family
from onboard.practice.image import PLACEHOLDERS, Image, fill, images, load
from onboard.practice.machine import Identity, Machine
from onboard.resources import resource, text
from onboard.scripts.posix import POSIX

FACTS = facts_of(Family.POSIX)

WANTED = Wanted(Endpoints("http://127.0.0.1:9", "http://127.0.0.1:9", "http://127.0.0.1:9", "http://127.0.0.1:9"))


def machine_of(image: Image, name: str = "here") -> Machine:
    return Machine(image, name, "eu-central-1", Identity.new("ssh-ed25519 AAAA"))


def write(folder: Path, **files: str) -> None:
    for name, content in files.items():
        (folder / f"{name.replace('_', '-')}.toml").write_text(content, encoding="utf-8")


def problems(folder: Path, name: str) -> list[str]:
    with pytest.raises(ProfileError) as caught:
        load(name, folder)
    return [str(problem) for problem in caught.value.problems]


def test_the_first_images_are_there_and_the_healthy_come_first() -> None:
    found = images()
    assert [image.name for image in found[:2]] == ["healthy-debian", "healthy-rhel"]
    assert {"no-amazon-roots", "slow-clock", "no-route", "other-account", "clone"} <= {image.name for image in found}
    assert [image.is_healthy for image in found] == [True, True] + [False] * (len(found) - 2)


def test_an_image_is_a_frozen_value() -> None:
    with pytest.raises(ValueError, match="frozen"):
        images()[0].title = "other"  # type: ignore[misc]


def test_an_image_takes_from_its_base_what_it_does_not_say(tmp_path: Path) -> None:
    write(
        tmp_path,
        plain='title = "plain"\n[server]\nbanner = "b"\n[files]\n"/a" = "1"\n[facts.kernel]\nstdout = "system Linux"\n',
        fault='title = "fault"\nbase = "plain"\nwrong = "w"\ncheck = "c"\ncount = 3\n'
        '[server]\nclock_offset_s = -1\n[files]\n"/b" = "2"\n',
        worse='title = "worse"\nbase = "fault"\n[facts.kernel]\nexit_code = 1\n',
    )
    fault, worse = load("fault", tmp_path), load("worse", tmp_path)
    assert (fault.server.banner, fault.server.clock_offset_s) == ("b", -1)
    assert fault.files == {"/a": "1", "/b": "2"}
    assert fault.facts["kernel"].stdout == "system Linux"
    assert (worse.server.clock_offset_s, worse.facts["kernel"].stdout, worse.facts["kernel"].exit_code) == (-1, "", 1)
    assert (worse.wrong, worse.check, worse.count) == ("", "", 1), "what is wrong with a base is not passed on"


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    write(
        tmp_path,
        bad='wrong = "w"\ncount = 0\nbanner = "b"\n[server]\nroots = ["Amazon Root CA 9"]\nclok_offset_s = 1\n'
        '[files]\nrelative = ""\n[facts.kernle]\nstdout = ""\n[facts.clock]\nstdout = "seconds {nwo}"\n'
        '[steps.instal_agent]\nsaid = "no"\n[steps.install_agent]\nsaid = "no"\ngoes_away = true\n',
    )
    found = "\n".join(problems(tmp_path, "bad"))
    for piece in (
        "title: it is missing",
        "count: 0 is too small",
        'banner: there is no key "banner"',
        "Amazon Root CA 9",
        "Did you mean clock_offset_s",
        '"relative" does not begin with a slash',
        'no fact "kernle" is asked',
        "facts.clock.stdout: there is no placeholder {nwo}. Did you mean {now}",
        'there is no step "instal_agent"',
        "`said` and `goes_away` exclude each other",
    ):
        assert piece in found


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("title = ", "it is not valid TOML"),
        ('title = "t"\nbase = 1', "it is not text"),
        ('title = "t"\nbase = "nowhere"', 'there is no image "nowhere"'),
        ('title = "t"\nbase = "../bad"', 'there is no image "../bad"'),
        ('title = "t"\nbase = "bad"', "it leads back to itself: bad → bad"),
        ('title = "t"\nwrong = "w"', "`wrong` and `check` go together"),
        ('title = "t"\nends = "failed"', "`wrong` and `ends`"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(tmp_path: Path, content: str, message: str) -> None:
    write(tmp_path, bad=content)
    assert message in problems(tmp_path, "bad")[0]


def test_a_line_of_empty_placeholders_is_left_out() -> None:
    values = {"agent": "", "registration": "one\ntwo", "name": "n"}
    assert fill("{agent}\nall {agent}\n{registration}\n\n{name}", values) == "all \none\ntwo\n\nn"
    with pytest.raises(ValueError, match=r"\{service\} has no value here"):
        fill("{service}", values)


def test_every_placeholder_has_a_value() -> None:
    endpoint = ("service", "url", "host", "via")
    given = machine_of(images()[0])._values(as_root=True)
    assert set(given) | set(endpoint) == set(PLACEHOLDERS)


@pytest.mark.parametrize("image", images(), ids=lambda image: image.name)
def test_every_fact_is_answered_and_understood_by_its_parser(image: Image) -> None:
    script = bundle.compose(POSIX, FACTS, WANTED)
    assert set(image.facts) == {fact.name for fact in FACTS}
    for as_root in (True, False):
        answers = machine_of(image).answers(script, as_root=as_root)
        facts = bundle.parse(FACTS, ScriptResult(0, bundle.answer(script, answers), b""))
        allowed = set() if as_root else {"registration", "root_credentials"}  # what root alone may look at
        assert set(facts.unknown()) <= allowed, facts.unknown()


def literals(script: str) -> set[str]:
    """First words that a fact's script can print by itself: those of its texts for printf and echo."""
    words = re.findall(r"""(?:printf|echo|-W -f|--qf|print) (?:-- )?['"]([a-z_|]+)[ '"%\\]""", script)
    return {*words, *re.findall(r"""say\("([a-z]+)""", script), *re.findall(r"""/([a-z]+) (?:\\1|/p)""", script)}


def keys(fact: str, printed: str) -> list[str]:
    """What tells the lines of an answer apart."""
    lines = [line.split() for line in printed.splitlines() if line.strip()]
    if fact == "endpoint_reach":
        return [words[1] for words in lines]
    if fact == "name_resolution":
        return [words[2] for words in lines]
    if fact == "operating_system":
        return [words[0].partition("=")[0] for words in lines]
    return [words[0] for words in lines]


@pytest.mark.parametrize("fact", [fact.name for fact in FACTS])
def test_answers_keep_the_form_of_the_real_script(fact: str) -> None:
    """The script runs here: what it prints and what images say must be lines of the same kinds."""
    if shutil.which("dash") is None:
        pytest.skip("needs the shell dash")
    script = POSIX.file(f"facts/{fact}")
    real = subprocess.run(
        ["dash", "-c", script], env={**os.environ, **WANTED.variables, "LC_ALL": "C"}, capture_output=True, check=False
    )
    here = keys(fact, real.stdout.decode())
    known = set(here) | literals(script)
    composed = bundle.compose(POSIX, FACTS, WANTED)
    for image in images():
        answer = machine_of(image).answers(composed, as_root=True)[fact]
        said = keys(fact, answer.stdout)
        if fact == "operating_system":
            assert said[0] == here[0] == "source"
            continue
        assert set(said) <= known, f"{image.name} prints what the script cannot"
        for key in ("asked", "uid", "user", "groups", "seconds", "exact", "system", "release", "count", "url", "via"):
            assert (key in said) == (key in here), f"{image.name}: {key}"
        if fact == "disk_space":
            paths, real_paths = ([key for key in told if key != "inodes"] for told in (said, here))
            assert paths == real_paths  # not every file system counts inodes


def test_what_the_clock_says_follows_the_images_offset() -> None:
    slow = next(image for image in images() if image.name == "slow-clock")
    fact = next(fact for fact in FACTS if fact.name == "clock")
    answer = machine_of(slow).answers(bundle.compose(POSIX, [fact], WANTED), as_root=True)["clock"]
    here = 1_800_000_000.0
    value = fact.parse(dataclasses.replace(answer, began=here))
    assert not isinstance(value, Unknown)
    true = machine_of(images()[0]).clock()
    assert true - value.server == pytest.approx(420, abs=5)


def test_roots_that_were_added_are_trusted() -> None:
    bare = machine_of(next(image for image in images() if image.name == "no-amazon-roots"))
    assert bare.trusted_roots == []
    bare.files["/usr/local/share/ca-certificates/a.crt"] = AMAZON_ROOTS[0].pem.encode()
    assert bare.trusted_roots == ["Amazon Root CA 1"]


def test_the_images_files_are_named_by_the_package() -> None:
    names = {entry.name for entry in resource("practice").iterdir() if entry.name.endswith(".toml")}
    assert names == {f"{image.name}.toml" for image in images()}
    assert all(text(f"practice/{name}").startswith("title = ") for name in names)
