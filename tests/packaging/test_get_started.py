"""The first commands of the README: what they install is what the project asks for, and nothing else."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "packaging" / "get_started.py"
LOCKS = {
    "practice": ROOT / "packaging" / "requirements.txt",
    "build": ROOT / "packaging" / "requirements-build.txt",
    "test": ROOT / "packaging" / "requirements-test.txt",
}


@pytest.fixture
def get_started() -> ModuleType:
    spec = importlib.util.spec_from_file_location("get_started", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def locked(name: str) -> dict[str, Version]:
    """package → version of a lock."""
    lines = [line for line in LOCKS[name].read_text().splitlines() if "==" in line and not line.startswith("#")]
    requirements = [Requirement(line.removesuffix("\\").strip()) for line in lines]
    return {
        canonicalize_name(requirement.name): Version(str(next(iter(requirement.specifier)).version))
        for requirement in requirements
    }


def wanted(*extras: str) -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize(
    ("lock", "extras"),
    [("practice", ("practice",)), ("build", ("practice", "build")), ("test", ("practice", "build", "dev"))],
)
def test_lock_has_what_the_project_asks_for(lock: str, extras: tuple[str, ...]) -> None:
    versions = locked(lock)
    for requirement in wanted(*extras):
        name = canonicalize_name(requirement.name)
        assert name in versions, f"{name} is not locked; run: python3 packaging/get_started.py lock"
        assert versions[name] in requirement.specifier, f"{name} {versions[name]} is locked, {requirement} is asked for"


@pytest.mark.parametrize("larger", ["build", "test"])
def test_locks_agree(larger: str) -> None:
    practice, other = locked("practice"), locked(larger)
    assert {name: other.get(name) for name in practice} == practice


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_has_a_hash_for_every_package_and_no_download_address(lock: str) -> None:
    text = LOCKS[lock].read_text()
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    for entry in text.replace("\\\n", " ").splitlines():
        assert entry.startswith("#") or "--hash=sha256:" in entry, entry[:60]


def test_help_is_told_without_setting_anything_up(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, SCRIPT], cwd=tmp_path, capture_output=True, text=True)
    assert told.returncode == 0
    assert told.stdout == ""
    assert "get_started.py practice" in told.stderr
    assert subprocess.run([sys.executable, SCRIPT, "frobnicate"], capture_output=True).returncode == 2


def test_system_packages_missing_are_named_to_whom_may_not_install_them(
    get_started: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs Linux")
    monkeypatch.setattr(get_started.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(get_started, "is_installed", lambda package: package != "libegl1")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    get_started.install_system_packages("practice")
    assert "sudo apt-get install libegl1\n" in capfd.readouterr().err


def test_packages_that_a_release_lacks_do_not_keep_the_others_out(
    get_started: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[str] = []

    def apt(command: list[str]) -> bool:
        names = [word for word in command[2:] if not word.startswith("-")]
        if "gone" in names:
            return False
        installed.extend(names)
        return True

    monkeypatch.setattr(get_started.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(get_started, "apt", apt)
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert get_started.apt_install(["libgl1", "gone", "libegl1"])
    assert installed == ["libgl1", "libegl1"]
    assert not get_started.apt_install(["gone"])


def test_an_ssh_server_for_tests_does_not_take_the_place_of_the_computers_own(
    get_started: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs Linux")
    unit = tmp_path / "system" / "tinysshd.socket"
    masked: list[bool] = []
    monkeypatch.setattr(get_started, "UNWANTED_UNIT", unit)
    monkeypatch.setattr(get_started.shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(get_started, "is_installed", lambda package: False)
    monkeypatch.setattr(get_started, "apt", lambda command: masked.append(unit.is_symlink()) or True)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    get_started.install_system_packages("practice")
    assert not any(masked)
    masked.clear()
    get_started.install_system_packages("test")
    assert masked
    assert all(masked)
    assert unit.readlink() == Path("/dev/null")


def test_system_libraries_missing_are_named_where_there_is_no_apt(
    get_started: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if not sys.platform.startswith("linux"):
        pytest.skip("needs Linux")
    monkeypatch.setattr(get_started.shutil, "which", lambda program: None)
    monkeypatch.setattr(get_started.ctypes.util, "find_library", lambda name: None if name == "EGL" else name)
    get_started.install_system_packages("test")
    told = capfd.readouterr().err
    assert "missing here: EGL\n" in told
    assert "openssh-server" in told


def test_set_up_is_done_once_for_the_same_inputs(
    get_started: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done: list[str] = []
    monkeypatch.setattr(get_started, "VENV", tmp_path)
    monkeypatch.setattr(get_started, "PYTHON", tmp_path / "python")
    monkeypatch.setattr(get_started, "install_system_packages", done.append)
    monkeypatch.setattr(get_started, "make_venv", (tmp_path / "python").touch)
    monkeypatch.setattr(get_started, "run", lambda *command: None)
    get_started.set_up("practice")
    get_started.set_up("practice")
    assert done == ["practice"]
    get_started.set_up("test")  # needs more
    get_started.set_up("practice")  # which includes this
    assert done == ["practice", "test"]
    monkeypatch.setattr(get_started, "fingerprint", lambda command: "another lock")
    get_started.set_up("test")
    assert done == ["practice", "test", "test"]
