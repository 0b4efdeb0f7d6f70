"""The parts that the packaged program is built with, without building it."""

import hashlib
import json
import lzma
import os
import shutil
import struct
import subprocess
import sys
import tarfile
from importlib.metadata import distribution
from pathlib import Path

import archive
import contents
import debian
import images
import licences
import pytest
import sizes
import surroundings
import system_libraries

from onboard import __version__


def test_what_goes_in_is_asked_of_the_project() -> None:
    assert contents.version() == __version__
    assert {"ssm", "iam", "sts", "s3", "account", "ec2", "sso-oidc"} <= contents.aws_services()
    assert len(contents.aws_services()) < 20
    assert {"ssm", "iam", "sts", "s3"} <= contents.practice_services()
    assert {"onboard", "onboard.cli.main", "onboard.gui.app", "onboard.practice.agent"} <= {*contents.modules()}
    assert all(Path(file).exists() for file, _ in contents.read_by_file())


def tree(folder: Path) -> Path:
    folder.mkdir()
    (folder / "onboard").write_bytes(b"\x7fELF\0libEGL.so.1\0GLIBC_2.31\0libfoo.so\0")
    (folder / "onboard").chmod(0o755)
    (folder / "Größe").mkdir()
    (folder / "Größe" / "data").write_text("1")
    (folder / ("long" * 30)).write_text("2")  # more than the oldest form of tar has room for
    (folder / "link").symlink_to("onboard")
    return folder


def test_an_archive_is_the_same_bytes_whenever_it_is_made(tmp_path: Path) -> None:
    folder = tree(tmp_path / "a")
    first = archive.tar_xz({"onboard": folder}, tmp_path / "1.tar.xz", made=1_000_000_000).read_bytes()
    for path in folder.rglob("*"):
        os.utime(path, follow_symlinks=False)
    (folder / "Größe" / "data").chmod(0o600)  # whoever builds it may have another umask
    assert archive.tar_xz({"onboard": folder}, tmp_path / "2.tar.xz", made=1_000_000_000).read_bytes() == first
    with tarfile.open(tmp_path / "1.tar.xz") as tar:
        entries = {entry.name: entry for entry in tar}
    assert entries["onboard/onboard"].mode == 0o755
    assert entries["onboard/Größe/data"].mode == 0o644
    assert entries["onboard/link"].linkname == "onboard"
    assert {(entry.uid, entry.uname, entry.mtime) for entry in entries.values()} == {(0, "root", 1_000_000_000)}


@pytest.fixture
def deb(tmp_path: Path) -> Path:
    for size in images.SIZES:
        (tmp_path / f"onboard-{size}.png").write_bytes(b"\x89PNG")
    into = tmp_path / "into"
    into.mkdir()
    return debian.Package(tree(tmp_path / "folder"), "1.2.3", 1_000_000_000, tmp_path).write(into)


def members(deb: Path) -> dict[str, bytes]:
    content = deb.read_bytes()
    assert content.startswith(b"!<arch>\n")
    found, place = {}, 8
    while place < len(content):
        name, size = content[place : place + 16].decode().strip(), int(content[place + 48 : place + 58])
        found[name] = content[place + 60 : place + 60 + size]
        place += 60 + size + size % 2
    return found


def test_a_debian_package_says_what_it_needs(deb: Path) -> None:
    parts = members(deb)
    assert list(parts) == ["debian-binary", "control.tar.xz", "data.tar.xz"]
    control = lzma.decompress(parts["control.tar.xz"]).decode()
    assert control.startswith("./control")
    assert "Version: 1.2.3\n" in control
    assert "Depends: libc6 (>= 2.31), libegl1\n" in control
    md5 = hashlib.md5(b"1", usedforsecurity=False).hexdigest()
    assert f"{md5}  usr/lib/onboard/Größe/data\n" in control


def test_debian_itself_reads_it(deb: Path, tmp_path: Path) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg: dpkg-deb")
    root = ["--root", tmp_path / "root", "--force-not-root,depends", "--log=/dev/null", "--unpack"]
    for folder in ("updates", "info"):
        (tmp_path / "root/var/lib/dpkg" / folder).mkdir(parents=True)
    (tmp_path / "root/var/lib/dpkg/status").touch()
    done = subprocess.run(["dpkg", *root, deb], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    subprocess.run(["dpkg-deb", "--extract", deb, tmp_path / "out"], check=True, capture_output=True)
    assert (tmp_path / "out/usr/bin/onboard").resolve() == tmp_path / "out/usr/lib/onboard/onboard"
    assert (tmp_path / "out/usr/share/applications/onboard.desktop").is_file()
    assert (tmp_path / "out/usr/share/icons/hicolor/scalable/apps/onboard.svg").is_file()


def test_icons_are_of_their_kinds() -> None:
    drawn = {size: b"\x89PNG" + bytes(size) for size in images.SIZES}
    ico = images.ico(drawn)
    assert struct.unpack("<HHH", ico[:6]) == (0, 1, len(images.SIZES))
    length, place = struct.unpack("<II", ico[6 + 8 : 6 + 16])  # of the first entry
    assert ico[place : place + length] == drawn[16]
    icns = images.icns(drawn)
    assert icns[:4] == b"icns"
    assert struct.unpack(">I", icns[4:8])[0] == len(icns)


def test_licences_are_found_with_their_texts(tmp_path: Path) -> None:
    import paramiko

    found = licences.distributions_of([paramiko.__file__, __file__])
    assert [one.name for one in found] == ["paramiko"]
    assert licences.licence_of(distribution("paramiko")).startswith("LGPL")
    lacking = licences.gather([paramiko.__file__], tmp_path / "licences", {"libfoo1": b"free"})
    assert lacking == []
    listed = (tmp_path / "licences/CONTENTS.txt").read_text(encoding="utf-8")
    assert f"\nparamiko {distribution('paramiko').version}: LGPL" in listed
    assert "\nlibfoo1, of the system" in listed
    assert any((tmp_path / "licences/paramiko").iterdir())


def test_libraries_that_only_the_system_asks_for_are_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    asks = {
        "/wheel/plugin.so": {"libxcb.so.1", "libxcb-cursor.so.0"},
        "/usr/lib/libxcb.so.1": {"libXau.so.6"},
        "/usr/lib/libxcb-cursor.so.0": {"libxcb-image.so.0", "libxcb.so.1"},
        "/usr/lib/libxcb-image.so.0": set(),
        "/usr/lib/libXau.so.6": set(),
    }
    monkeypatch.setattr(system_libraries, "needed", asks.__getitem__)
    files = {Path(path).name: path for path in asks}
    assert system_libraries.left_out(files, ["libxcb.so.1"]) == {"libxcb.so.1", "libXau.so.6"}


def test_sizes_are_told_with_the_largest_first(tmp_path: Path) -> None:
    (tmp_path / "_internal/PySide6/Qt/lib").mkdir(parents=True)
    (tmp_path / "_internal/PySide6/Qt/lib/libicudata.so.73").write_bytes(bytes(2_000_000))
    (tmp_path / "onboard").write_bytes(bytes(1_000_000))
    assert sizes.total(tmp_path) == 3_000_000
    assert sizes.table(tmp_path).splitlines()[:2] == ["     2.0 MB  PySide6: ICU", "     1.0 MB  onboard"]


def test_streams_that_are_closed_lead_nowhere_and_their_numbers_are_taken(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("needs a shell to close the streams with")
    script = (
        "import sys, json, subprocess, surroundings; surroundings.open_missing_streams(); "
        "print('into nothing'); sys.stderr.write('x'); sys.stdin.read(); "
        f"file = open({str(tmp_path / 'told')!r}, 'w'); "
        "json.dump([file.fileno(), subprocess.run(['sh', '-c', 'echo x && echo x >&2']).returncode], file)"
    )
    folder = Path(surroundings.__file__).parent
    shell = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, script]
    subprocess.run(shell, env={**os.environ, "PYTHONPATH": str(folder)}, check=True)
    number, code_of_child = json.loads((tmp_path / "told").read_text())
    assert number > 2
    assert code_of_child == 0


def test_children_get_the_libraries_that_the_user_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_MEIPASS", "/opt/onboard/_internal", raising=False)
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/onboard/_internal")
    monkeypatch.setenv("QT_PLUGIN_PATH", "/opt/onboard/_internal/PySide6/Qt/plugins")
    surroundings.forget_own_libraries()
    assert "LD_LIBRARY_PATH" not in os.environ
    assert "QT_PLUGIN_PATH" not in os.environ
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/onboard/_internal:/user")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/user")
    surroundings.forget_own_libraries()
    assert os.environ["LD_LIBRARY_PATH"] == "/user"
    assert "LD_LIBRARY_PATH_ORIG" not in os.environ
    monkeypatch.setenv("LD_LIBRARY_PATH", "/opt/onboard/_internal:/user")
    surroundings.forget_own_libraries()
    assert os.environ["LD_LIBRARY_PATH"] == "/user"


def test_a_user_without_a_home_gets_one_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.environ["HOME"]
    surroundings.name_a_home()
    assert os.environ["HOME"] == before
    monkeypatch.setattr("pwd.getpwuid", lambda _: (_ for _ in ()).throw(KeyError("nobody")))
    monkeypatch.delenv("HOME")
    surroundings.name_a_home()
    assert os.environ["HOME"] == "/nonexistent"
