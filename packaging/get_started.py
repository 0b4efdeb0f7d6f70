"""Sets this checkout up and runs a command. Needs Python 3.11 to 3.13 and nothing else.

    python3 packaging/get_started.py practice [ARGUMENTS…]   onboard practice --run ARGUMENTS
    python3 packaging/get_started.py test [ARGUMENTS…]       style, types, imports, then pytest ARGUMENTS
    python3 packaging/get_started.py build [ARGUMENTS…]      the packaged program in dist/: packaging/build.py ARGUMENTS
    python3 packaging/get_started.py lock [--upgrade]        bring the locks in line with pyproject.toml

The first time, it makes .venv and installs into it exactly what the lock names, compared by hash. On Debian and its
relatives, as root, it also installs the system libraries that Qt and the tests need; elsewhere it lists what
is missing. Later it starts at once. Its own messages go to standard error.
"""

import ctypes.util
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")

LOCKS = {
    "practice": ROOT / "packaging" / "requirements.txt",
    "build": ROOT / "packaging" / "requirements-build.txt",
    "test": ROOT / "packaging" / "requirements-test.txt",
}
EXTRAS = {"practice": ["practice"], "build": ["practice", "build"], "test": ["practice", "build", "dev"]}
WORKERS = ["-n", "2", "--dist", "loadgroup"]  # tests/conftest.py says which tests have to stay in one worker
TEST_PACKAGES = ROOT / "tests" / "apt-packages.txt"
# A package among them starts this at each boot: it would take port 22 from the computer's own sshd.
UNWANTED_UNIT = Path("/etc/systemd/system/tinysshd.socket")

# What PySide6's wheels expect of a Linux system: library → Debian's package.
BUILD_PACKAGES = ["binutils"]  # reads what programs are linked with, and strips them
QT_LIBRARIES = {
    "GL": "libgl1",
    "EGL": "libegl1",
    "dbus-1": "libdbus-1-3",
    "fontconfig": "libfontconfig1",
    "glib-2.0": "libglib2.0-0",
    "xkbcommon": "libxkbcommon0",
    "xkbcommon-x11": "libxkbcommon-x11-0",
    "xcb-cursor": "libxcb-cursor0",
    "xcb-icccm": "libxcb-icccm4",
    "xcb-keysyms": "libxcb-keysyms1",
    "xcb-shape": "libxcb-shape0",
}


def main() -> int:
    command, *arguments = sys.argv[1:] or ["help"]
    if command not in ("practice", "test", "build", "lock"):
        say(__doc__ or "")
        return 0 if command in ("help", "-h", "--help") else 2
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        say(f"This is Python {platform.python_version()}; 3.11, 3.12 or 3.13 is needed.")
        return 2
    try:
        if command == "lock":
            return lock(arguments)
        set_up(command)
    except subprocess.CalledProcessError as error:
        say(f"This failed (exit code {error.returncode}): {' '.join(map(str, error.cmd))}")
        return 2
    return {"practice": practice, "test": test, "build": build}[command](arguments)


def say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def run(*command: object) -> None:
    """Run a program of the set-up, its output on standard error; CalledProcessError when it fails."""
    arguments = [str(part) for part in command]
    subprocess.run(arguments, cwd=ROOT, check=True, stdout=sys.stderr)


def practice(arguments: list[str]) -> int:
    command = [str(BIN / "onboard"), "practice", "--run", *arguments]
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606 - Ctrl-C and signals reach only the program
    return subprocess.run(command, check=False).returncode


def build(arguments: list[str]) -> int:
    return subprocess.run([str(PYTHON), str(ROOT / "packaging" / "build.py"), *arguments], check=False).returncode


def test(arguments: list[str]) -> int:
    """Every check, also when an earlier one failed; pytest is last, since its closing line is what people look for."""
    os.environ["PATH"] = os.pathsep.join([str(BIN), os.environ.get("PATH", "")])
    failed: list[str] = []
    for name, command in (
        ("style", ["ruff", "check", "."]),
        ("format", ["ruff", "format", "--check", "."]),
        ("types", ["mypy"]),
        ("imports", ["lint-imports"]),
        ("tests", ["pytest", *WORKERS, *arguments]),
    ):
        if failed and name == "tests":
            say(f"== failed so far: {', '.join(failed)}")
        say(f"== {name}: {' '.join(command)}")
        if subprocess.run([str(BIN / command[0]), *command[1:]], cwd=ROOT, check=False).returncode != 0:
            failed.append(name)
    return 1 if failed else 0


def set_up(command: str) -> None:
    """Make .venv and what it needs of the system, unless that was done with these very inputs."""
    stamps = {name: (VENV / f"set-up-for-{name}", fingerprint(name)) for name in LOCKS}
    wanted = list(LOCKS)[list(LOCKS).index(command) :]  # each of them includes those before it
    if PYTHON.exists() and any(has_text(*stamps[name]) for name in wanted):
        return
    install_system_packages(command)
    make_venv()
    say("Installing what the lock names into .venv …")
    pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
    run(*pip, "--require-hashes", "--no-deps", "--requirement", LOCKS[command])
    run(*pip, "--no-deps", "--no-build-isolation", "--no-index", "--editable", ROOT)
    stamp, text = stamps[command]
    stamp.write_text(text, encoding="ascii")


def fingerprint(command: str) -> str:
    """Changes whenever the set-up has to be done again."""
    digest = hashlib.sha256(platform.python_version().encode())
    for path in (LOCKS[command], ROOT / "pyproject.toml", Path(__file__), TEST_PACKAGES):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def has_text(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="ascii") == text


def make_venv() -> None:
    version = VENV / "pyvenv.cfg"
    if PYTHON.exists() and f"version = {platform.python_version()}\n" in version.read_text(encoding="utf-8"):
        return
    if importlib.util.find_spec("ensurepip") is None:
        name = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not apt_install([name]):
            say(f"Python's own venv is incomplete here. Install {name} (or what your system calls it), then try again.")
            sys.exit(2)
    say("Making .venv …")
    if VENV.exists():
        shutil.rmtree(VENV)
    base = getattr(sys, "_base_executable", sys.executable)  # not the one inside the .venv just removed
    run(base, "-m", "venv", VENV)


def install_system_packages(command: str) -> None:
    """Qt's libraries and, for the tests, the programs they start. Going on without is possible: tests skip by name."""
    if not sys.platform.startswith("linux"):
        if command == "test":
            say("Tests that start real OpenSSH servers need Linux, and are skipped here.")
        return
    wanted = list(QT_LIBRARIES.values())
    if command != "practice":
        wanted += BUILD_PACKAGES
    if command == "test":
        lines = TEST_PACKAGES.read_text(encoding="utf-8").splitlines()
        wanted += [line for line in lines if line and not line.startswith("#")]
    if shutil.which("dpkg-query") is None:
        missing = [name for name in QT_LIBRARIES if ctypes.util.find_library(name) is None]
        if missing:
            say(f"The wizard's window needs these libraries, missing here: {', '.join(missing)}")
        if command == "test":
            say("Some tests need programs from these Debian packages, and are skipped without them:")
            say("  " + " ".join(wanted[len(QT_LIBRARIES) :]))
        return
    missing = [name for name in wanted if not is_installed(name)]
    if "tinysshd" in missing and os.geteuid() == 0 and not os.path.lexists(UNWANTED_UNIT):
        UNWANTED_UNIT.parent.mkdir(parents=True, exist_ok=True)
        UNWANTED_UNIT.symlink_to("/dev/null")  # systemd's "masked"
    if missing and not apt_install(missing):
        say("Missing, and only root can install it. Without it the wizard's window or some tests do not work:")
        say(f"  sudo apt-get install {' '.join(missing)}")


def is_installed(package: str) -> bool:
    query = ["dpkg-query", "--show", "--showformat=${Status}", package]
    return "ok installed" in subprocess.run(query, capture_output=True, text=True, check=False).stdout


def apt_install(packages: list[str]) -> bool:
    """Install Debian packages as root; False when that cannot be. Where a release lacks one, the rest is installed."""
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    say(f"Installing {' '.join(packages)} …")
    install = ["apt-get", "install", "--yes", "-qq", "--option=Dpkg::Use-Pty=0", "--no-install-recommends"]
    apt(["apt-get", "update", "-qq"])
    return apt([*install, *packages]) or (len(packages) > 1 and sum(apt([*install, name]) for name in packages) > 0)


def apt(command: list[str]) -> bool:
    """Run apt-get, whose words are of interest only when it fails."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        say(done.stdout.decode(errors="replace"))
    return done.returncode == 0


def lock(arguments: list[str]) -> int:
    """Make the locks with uv, for every system and Python version at once; they contain no download address.

    Versions that still fit are kept, unless `--upgrade` is among the arguments, which are uv's.
    """
    tools = ROOT / "build" / "lock-tools"
    run(getattr(sys, "_base_executable", sys.executable), "-m", "venv", "--clear", tools)
    uv = tools / BIN.name / ("uv.exe" if os.name == "nt" else "uv")
    run(tools / BIN.name / PYTHON.name, "-m", "pip", "install", "--quiet", "uv")
    build = tools / "build.txt"
    build.write_text("hatchling\n", encoding="ascii")  # builds the project itself, without a network
    for name, path in LOCKS.items():
        say(f"Making {path.relative_to(ROOT)} …")
        extras = [word for extra in EXTRAS[name] for word in ("--extra", extra)]
        same = ["--constraint", LOCKS["practice"]] if name != "practice" else []
        run(
            *(uv, "--quiet", "pip", "compile", ROOT / "pyproject.toml", build, *extras, *same),
            *("--universal", "--python-version", "3.11", "--generate-hashes", *arguments),
            *("--no-annotate", "--no-emit-index-url", "--no-emit-find-links", "--no-header", "--output-file", path),
        )
        path.write_text(
            f"# Made by: python3 packaging/get_started.py lock\n{path.read_text(encoding='ascii')}", "ascii"
        )
    shutil.rmtree(tools)
    return 0


if __name__ == "__main__":
    sys.exit(main())
