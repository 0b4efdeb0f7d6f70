"""Where the program keeps its files."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from onboard.defects import keep_defect
from onboard.engine.journal import Journal
from onboard.home import JOURNAL, home
from onboard.hosts.lockout import Lockout
from onboard.hosts.ssh.host_key import HostKey
from onboard.hosts.ssh.known_hosts import OWN_FILE, KnownHosts
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.place import Place

posix = pytest.mark.skipif(os.name == "nt", reason="needs POSIX's modes and owners of files")


def test_onboard_home_moves_it_and_it_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "a" / "b"))
    assert home() == tmp_path / "a" / "b"
    assert home().stat().st_mode & 0o777 == 0o700


def test_without_it_the_operating_system_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ONBOARD_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert home().is_dir()


def test_a_place_that_cannot_be_made_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "file" / "below"))
    with pytest.raises(OnboardError, match="ONBOARD_HOME"):
        home()


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if sys.platform != "linux":
        pytest.skip("needs Linux: elsewhere the system knows every user's folder")
    monkeypatch.chdir(tmp_path)
    for name in ("ONBOARD_HOME", "HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("nobody")))
    with pytest.raises(OnboardError, match="ONBOARD_HOME"):
        home()
    monkeypatch.setenv("ONBOARD_HOME", "~/here")
    with pytest.raises(OnboardError, match="ONBOARD_HOME"):
        home()
    assert list(tmp_path.iterdir()) == []


@posix
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o1777, 0o702])
def test_a_folder_that_others_may_write_to_is_refused(
    mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "an open folder"
    folder.mkdir()
    folder.chmod(mode)
    monkeypatch.setenv("ONBOARD_HOME", str(folder))
    with pytest.raises(OnboardError, match=f"Other users may write to it.*chmod go-w '{folder}'"):
        home()
    folder.chmod(0o755)
    assert home() == folder


@posix
@pytest.mark.skipif(getattr(os, "getuid", lambda: 1)() != 0, reason="needs root, to give a folder to another user")
def test_another_users_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path))
    os.chown(tmp_path, 65534, -1)
    with pytest.raises(OnboardError, match=r"belongs to another user.*chown 0"):
        home()


@posix
def test_own_files_that_others_may_write_to_are_refused(tmp_path: Path) -> None:
    with closing(Journal(tmp_path)):
        pass
    (tmp_path / OWN_FILE).touch()
    for name in (JOURNAL, OWN_FILE):
        (tmp_path / name).chmod(0o660)
    with pytest.raises(OnboardError, match=f"{OWN_FILE}: Other users may write to it"):
        KnownHosts.of_this_user(tmp_path)
    with pytest.raises(OnboardError, match=f"{JOURNAL}: Other users may write to it"):
        Journal(tmp_path)


@posix
def test_a_known_hosts_file_of_openssh_may_be_its_groups_but_not_everybodys(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text("web1.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n")
    listed.chmod(0o664)  # as OpenSSH makes it where the umask is 002
    KnownHosts.from_file(listed)
    listed.chmod(0o666)
    with pytest.raises(OnboardError, match="list: Other users may write to it"):
        KnownHosts.from_file(listed)


@pytest.fixture
def no_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


@posix
def test_own_files_are_private_whatever_the_umask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_umask: None
) -> None:
    monkeypatch.setenv("ONBOARD_HOME", str(tmp_path / "a" / "b"))
    with closing(Journal(home())) as journal, journal.held("run"):
        key = HostKey(b"\0\0\0\x0bssh-ed25519" + bytes(36))
        KnownHosts.of_this_user(home()).add([(Place("web1", 22), key)])
        lockout = Lockout.of_this_user(home())
        with lockout.attempt("admin", "default", "web1", CancelToken()) as attempt:
            attempt.accepted = False
        keep_defect(ValueError())
        made = list(tmp_path.rglob("*"))
        assert {path.name for path in made} > {JOURNAL, "run.lock", OWN_FILE, f"{OWN_FILE}.lock", "defects.log"}
        for path in made:
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
