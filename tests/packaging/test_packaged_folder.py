"""The packaged folder: it is whole, small, and works where a checkout would not be run."""

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import contents
import pytest
from packaged import Packaged, packaged_program

LARGEST = 150e6  # bytes of the folder
NOBODY = 54321  # a user whom the system does not know
FOR_DEVELOPERS = ("PyInstaller", "_pytest", "hypothesis", "mypy", "pip", "pytest", "ruff", "setuptools", "tkinter")

pytestmark = pytest.mark.timeout(240)


@pytest.fixture(scope="module")
def program() -> Packaged:
    return packaged_program()


@pytest.fixture(scope="module")
def modules(program: Packaged) -> set[str]:
    """The modules in its archive."""
    readers = pytest.importorskip("PyInstaller.archive.readers", reason="needs pyinstaller, of the extra build")
    return set(readers.CArchiveReader(str(program.console)).open_embedded_archive("PYZ.pyz").toc)


def run(*command: object, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command], env={**os.environ, **variables}, capture_output=True, encoding="utf-8"
    )


def assert_well(done: subprocess.CompletedProcess[str]) -> None:
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_its_own_test_of_itself_finds_nothing_wrong(program: Packaged) -> None:
    done = run(program.console, "self-test")
    assert_well(done)
    assert "✕" not in done.stdout
    assert done.stdout.count("✓") >= 12


def test_it_says_what_it_is(program: Packaged) -> None:
    told = json.loads(run(program.console, "--version", "--json").stdout)
    assert told["program"] == str(program.folder)
    assert told["build"] not in ("source", "unknown")
    assert (Path(told["licences"]) / "CONTENTS.txt").is_file()
    assert run(program.console, "--version").stdout == f"onboard {told['version']}\n"


def test_it_is_small(program: Packaged) -> None:
    files = [path for path in program.folder.rglob("*") if path.is_file() and not path.is_symlink()]
    assert sum(path.stat().st_size for path in files) <= LARGEST


def test_every_module_of_the_project_is_in_it(modules: set[str]) -> None:
    assert set(contents.modules()) - modules == set()


def test_nothing_is_in_it_that_it_does_not_use(program: Packaged, modules: set[str]) -> None:
    everything = {name.partition(".")[0] for name in modules}
    everything |= {path.name for path in program.inside.iterdir()}
    assert everything & set(FOR_DEVELOPERS) == set()
    assert {path.name for path in (program.inside / "botocore" / "data").iterdir() if path.is_dir()} == (
        contents.aws_services()
    )
    services = {name.split(".")[1] for name in modules if name.startswith("moto.") and name.count(".") > 1}
    assert services - contents.practice_services() - contents.MOTO_FOUNDATIONS == set()
    libraries = {path.name.partition(".")[0] for path in (program.inside / "PySide6" / "Qt" / "lib").iterdir()}
    assert libraries & {"libQt6Network", "libQt6Qml", "libQt6Quick", "libQt6OpenGL", "libQt6Pdf"} == set()


def test_it_carries_the_licences_of_all_it_contains(program: Packaged) -> None:
    licences = program.inside / "licences"
    listed = (licences / "CONTENTS.txt").read_text(encoding="utf-8")
    for name in ("PySide6_Essentials", "shiboken6", "paramiko", "boto3", "cryptography", "moto", "Python"):
        assert f"\n{name} " in listed
    for text in ("LGPL-3.0.txt", "GPL-3.0.txt", "Python.txt", "paramiko/LICENSE"):
        assert (licences / text).stat().st_size > 1000
    # What has to be replaceable lies as files, each of which Python would take a newer one for.
    for package in contents.REPLACEABLE:
        assert any((program.inside / package).rglob("*.pyc")), package


@pytest.mark.skipif(os.name == "nt", reason="needs a shell to close the streams with")
def test_it_works_without_a_console(program: Packaged, tmp_path: Path) -> None:
    closed = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-']
    assert_well(run(*closed, program.windowed, "--self-test", QT_QPA_PLATFORM="offscreen"))
    assert_well(run(*closed, program.console, "practice", "--run", "--hosts", "1"))


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that every user may look into; those of pytest are for one alone."""
    with tempfile.TemporaryDirectory(prefix="onboard-packaged-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def elsewhere(program: Packaged, shared: Path) -> Iterator[Packaged]:
    """The program in a folder that cannot be written to, below a name with blanks and signs beyond ASCII."""
    folder = shared / "Möbel & Söhne 株式会社" / "on board"
    shutil.copytree(program.folder, folder, symlinks=True)
    parts = [folder, *(path for path in folder.rglob("*") if not path.is_symlink())]
    for path in parts:
        path.chmod(path.stat().st_mode & ~0o222)
    yield Packaged(folder)
    for path in parts:
        path.chmod(path.stat().st_mode | 0o200)


def test_it_works_read_only_under_any_name_for_a_user_without_a_home(elsewhere: Packaged, shared: Path) -> None:
    own = shared / "own"
    own.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(own, NOBODY, NOBODY)
    given = {"ONBOARD_HOME": str(own), "LC_ALL": "C", "PATH": "/usr/bin:/bin", "TMPDIR": str(own)}
    assert_well(run_as_nobody(elsewhere, given))
    if os.geteuid() == 0:
        lost = run_as_nobody(elsewhere, {**given, "ONBOARD_HOME": ""})
        assert lost.returncode == 1
        assert "Set ONBOARD_HOME" in lost.stdout


def run_as_nobody(program: Packaged, variables: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Its self-test, as a user whom the system does not know, where this one may become another."""
    become: dict[str, Any] = {"user": NOBODY, "group": NOBODY, "extra_groups": ()} if os.geteuid() == 0 else {}
    command = [str(program.console), "self-test"]
    return subprocess.run(command, env=variables, capture_output=True, encoding="utf-8", cwd="/", **become)


def test_what_it_starts_gets_none_of_its_libraries(program: Packaged, tmp_path: Path) -> None:
    """A `secret_command`, or a browser, would load them in the place of its own."""
    if os.name == "nt":
        pytest.skip("needs a shell")
    folder, seen = tmp_path / "practice", tmp_path / "seen"
    serve = [program.console, "practice", "--serve", folder, "--hosts", "1"]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as practice:
        try:
            assert practice.stdout is not None
            assert practice.stdout.readline() == b"ready\n"
            profile = folder / "profile.toml"
            text = profile.read_text(encoding="utf-8")
            command = json.dumps(["sh", "-c", f"env > '{seen}'; echo secret"])
            text = text.replace('kind = "ssh-key"', f'kind = "ssh-password"\nsecret_command = {command}')
            lines = [line for line in text.splitlines() if "key_file" not in line]
            profile.write_text("\n".join(lines), encoding="utf-8")
            variables = dict(line.split("=", 1) for line in (folder / "env").read_text().splitlines())
            user = {"LD_LIBRARY_PATH": "/of/the/user"}
            trusted = run(program.console, "trust", "--profile", profile, "--known-hosts", folder / "known_hosts")
            assert_well(trusted)
            run(program.console, "check", "--profile", profile, **variables, **user)
        finally:
            practice.terminate()
    told = seen.read_text(encoding="utf-8")
    assert str(program.inside) not in told
    assert "LD_LIBRARY_PATH=/of/the/user\n" in told


def test_children_of_the_window_work(program: Packaged, tmp_path: Path) -> None:
    window = subprocess.Popen(
        [program.windowed, "--practice", "--hosts", "1"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    try:
        end = time.monotonic() + 60
        while not (env := next(tmp_path.glob("*/env"), None)) or "AWS_ENDPOINT_URL" not in env.read_text():
            assert window.poll() is None
            assert time.monotonic() < end, "practice did not come up"
            time.sleep(0.05)
    finally:
        window.terminate()
        assert window.wait(60) == 0
    assert list(tmp_path.glob("onboard-practice-*")) == []
