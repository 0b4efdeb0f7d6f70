"""The Debian package, on a Debian that has nothing but what the package asks for."""

import configparser
import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from cleanroot import USER, CleanRoot, clean_root
from gui.desktop import Desktop, needed
from packaged import packaged_program

# To open the program from its desktop file, as a desktop does.
EXTRA = ("libglib2.0-bin",)
LIMIT = 60.0  # seconds until a window is there, on a machine under load

pytestmark = pytest.mark.timeout(900)  # the first time, the bare system is made


@pytest.fixture(scope="module")
def package() -> Path:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg: dpkg-deb")
    found = sorted(packaged_program().folder.parent.glob("onboard_*.deb"))
    if not found:
        pytest.skip("needs the Debian package beside the packaged program: build.py without --folder-only")
    return found[-1]


def field(package: Path, name: str) -> str:
    return subprocess.run(["dpkg-deb", "--field", package, name], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def installed(package: Path) -> Iterator[CleanRoot]:
    depends = [re.split(r"[ (|]", one.strip())[0] for one in field(package, "Depends").split(",")]
    with clean_root(depends, EXTRA) as root:
        shutil.copy(package, root.files / "onboard.deb")
        root.run("dpkg", "--install", "/onboard.deb")
        yield root


def test_it_says_what_it_is(package: Path) -> None:
    assert field(package, "Package").strip() == "onboard"
    assert "libegl1" in field(package, "Depends")
    assert re.search(r"libc6 \(>= 2\.\d\d\)", field(package, "Depends"))
    listed = subprocess.run(["dpkg-deb", "--contents", package], capture_output=True, text=True, check=True).stdout
    assert all(re.match(r"[-dl][rwx-]{9} root/root ", line) for line in listed.splitlines())
    assert "./usr/bin/onboard -> ../lib/onboard/onboard" in listed


def test_it_tests_itself_well_where_no_python_is(installed: CleanRoot) -> None:
    assert installed.run("sh", "-c", "command -v python3", check=False).returncode != 0
    done = installed.run("onboard", "self-test", user=USER, check=False)
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"
    told = json.loads(installed.run("onboard", "--version", "--json", user=USER).stdout)
    assert told["program"] == "/usr/lib/onboard"
    assert told["home"] == "/home/user/.local/share/onboard"


def test_no_library_is_missing(installed: CleanRoot) -> None:
    """Also of those that are loaded only when they are needed."""
    every = "find /usr/lib/onboard -type f -name '*.so*' -exec ldd {} + 2>/dev/null"
    told = installed.run("sh", "-c", every, check=False).stdout
    assert "libQt6Gui.so.6" in told
    # Each of the program's own finds the others by where the program lies.
    own = {path.name for path in (installed.files / "usr/lib/onboard/_internal").rglob("*.so*")}
    missing = {line.split()[0] for line in told.splitlines() if "not found" in line}
    assert missing - own == set()


def test_dpkg_finds_it_as_it_was_made_and_takes_it_away(installed: CleanRoot) -> None:
    assert installed.run("dpkg", "--verify", "onboard").stdout == ""


def test_desktops_find_it(installed: CleanRoot) -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.read(installed.files / "usr/share/applications/onboard.desktop", encoding="utf-8")
    program = entry["Desktop Entry"]["Exec"].split()[0]
    assert installed.run("sh", "-c", f"command -v {program}").stdout == "/usr/bin/onboard-gui\n"
    icons = sorted((installed.files / "usr/share/icons/hicolor").glob(f"*/apps/{entry['Desktop Entry']['Icon']}.*"))
    assert len(icons) == 8
    assert all(icon.stat().st_size > 100 for icon in icons)


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    needed()
    with Desktop(tmp_path_factory.mktemp("screen")) as one:
        yield one


def test_it_opens_from_its_desktop_file(installed: CleanRoot, desktop: Desktop, tmp_path: Path) -> None:
    screen = {"DISPLAY": desktop.environment["DISPLAY"]}
    opener = installed.command("gio", "launch", "/usr/share/applications/onboard.desktop", user=USER)
    subprocess.run(opener, env=installed.environment(USER, screen), check=True, timeout=60)
    wait(lambda: desktop.title().endswith("Onboard"), "the window")
    entry = (installed.files / "usr/share/applications/onboard.desktop").read_text(encoding="utf-8")
    assert "StartupWMClass=Onboard\n" in entry
    assert desktop.xdotool("search", "--onlyvisible", "--class", "^Onboard$"), "its window is not known as its own"
    wait(lambda: drawn(desktop, tmp_path / "first-page.png") > 50_000, "the first page")
    assert "onboard-gui" in running(installed)
    desktop.xdotool("key", "ctrl+q")
    wait(lambda: "onboard-gui" not in running(installed), "its end")


def running(root: CleanRoot) -> str:
    """The command lines of what runs inside."""
    lines = []
    for file in (root.files / "proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # that one has just ended
            lines.append(file.read_bytes().replace(b"\0", b" ").decode())
    return "\n".join(lines)


def drawn(desktop: Desktop, picture: Path) -> int:
    """Bytes of the screen as PNG: a page with text takes more than an empty window."""
    desktop.save_screenshot(picture)
    return picture.stat().st_size


def wait(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < end, f"not within {LIMIT:.0f} s: {what}"
        time.sleep(0.1)
