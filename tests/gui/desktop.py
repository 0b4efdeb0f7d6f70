"""A desktop for the test alone, on which the real program is driven from outside, by keyboard only.

Xvfb is the screen, openbox gives windows the keyboard, xdotool types, and what stands in a window is read through
AT-SPI, as a screen reader does, over a message bus of its own. Nothing here knows the program's source.

The program is `python -m onboard gui`; ONBOARD_WIZARD_COMMAND names another, such as a packaged one.
"""

import json
import os
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Self

import practice_images
import pytest

COMMAND = shlex.split(os.environ.get("ONBOARD_WIZARD_COMMAND", "")) or [sys.executable, "-m", "onboard", "gui"]
PATIENCE = 45.0  # seconds for anything to happen; a machine under load is slow
PROGRAMS = {"Xvfb": "xvfb", "openbox": "openbox", "xdotool": "xdotool", "dbus-daemon": "dbus-daemon"}
MARK = "ONBOARD_TEST_MARK"  # an environment variable that identifies the wizard and all its descendants

# Bits of AT-SPI states.
CHECKED, EDITABLE, ENABLED, FOCUSED, SENSITIVE, SHOWING = 4, 7, 8, 12, 24, 25


def needed() -> None:
    """Skip the test if a program is missing, and name it."""
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            pytest.skip(f"needs {package}: {program}")
    pytest.importorskip("jeepney", reason="needs jeepney, which keyring brings on Linux")


class Desktop:
    """A screen of 1280×800, a window manager and a message bus. A context manager."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ends = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            reader, writer = os.pipe()
            screen = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
            stack.enter_context(running([*screen, "-fbdir", str(self._folder)], pass_fds=[writer]))
            os.close(writer)
            with os.fdopen(reader) as told:
                display = f":{told.readline().strip()}"
            daemon = ["dbus-daemon", "--session", "--nofork", "--nopidfile", "--print-address"]
            bus = stack.enter_context(running(daemon, stdout=subprocess.PIPE))
            self.bus = bus.stdout.readline().decode().strip()
            self.environment = {
                "DISPLAY": display,
                "QT_QPA_PLATFORM": "xcb",
                "QT_LINUX_ACCESSIBILITY_ALWAYS_ON": "1",
                "AT_SPI_BUS_ADDRESS": self.bus,
                "DBUS_SESSION_BUS_ADDRESS": self.bus,
            }
            stack.enter_context(running(["openbox"], env={**os.environ, **self.environment}))
            self._ends = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def xdotool(self, *words: str) -> str:
        """The output of xdotool; "" if it finds no window."""
        environment = {**os.environ, **self.environment}
        done = subprocess.run(["xdotool", *words], env=environment, capture_output=True, text=True, timeout=30)
        return done.stdout.strip()

    def title(self) -> str:
        """The title of the window that has the keyboard focus."""
        return self.xdotool("getactivewindow", "getwindowname")

    def save_screenshot(self, path: Path) -> None:
        """Save a screenshot as PNG."""
        from PySide6.QtGui import QImage

        dump = (self._folder / "Xvfb_screen0").read_bytes()
        header = struct.unpack(">25I", dump[:100])
        size, width, height, stride, colours = header[0], header[4], header[5], header[12], header[19]
        pixels = dump[size + 12 * colours :]
        QImage(pixels, width, height, stride, QImage.Format.Format_RGB32).save(str(path))


@contextmanager
def running(command: list[str], **more: Any) -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives as long as the block."""
    process = subprocess.Popen(
        command, **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL} | more
    )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a screen reader can read. `text` is what it contains, `keys` are its shortcut (Alt+N)."""

    role: str
    name: str
    text: str
    keys: str
    states: int

    def has(self, state: int) -> bool:
        return bool(self.states >> state & 1)

    @property
    def is_enabled(self) -> bool:
        return self.has(ENABLED) and self.has(SENSITIVE)


@dataclass(slots=True)
class Wizard:
    """The program, as started by `opened`. Keys go to the active window, as a user's do."""

    desktop: Desktop
    process: "subprocess.Popen[bytes]"
    mark: str
    folder: Path
    home: Path
    _connection: Any = field(default=None)

    # The keyboard

    def press(self, *keys: str) -> None:
        """Press keys such as `alt+n`, one after the other."""
        self.desktop.xdotool("key", "--delay", "20", "--clearmodifiers", *keys)

    def push(self, name: str) -> None:
        """Press a button by its underlined letter, once it is enabled."""
        button = self.wait(lambda: self._button(name, with_letter=True), f"button {name!r} with its letter")
        self.press(button.keys.lower())

    def type(self, text: str) -> None:
        """Type a text. xdotool briefly maps characters that the keyboard lacks: the program has to notice in time."""
        self.desktop.xdotool("type", "--delay", "3" if text.isascii() else "250", "--clearmodifiers", "--", text)

    def replace(self, text: str) -> None:
        """Replace the text of the field by typing."""
        self.press("ctrl+a")
        self.type(text)

    def tab_to(self, name: str, key: str = "Tab") -> None:
        """Move the keyboard focus to the element of that name."""
        for _ in range(60):
            if any(thing.name == name for thing in self.focused()):
                return
            self.press(key)
        self.fail(f"the keyboard does not reach {name!r}")

    # Eyes

    def title(self) -> str:
        return self.desktop.title()

    def things(self) -> list[Thing]:
        """Everything on screen, in reading order."""
        with suppress(Exception):
            return list(self._walk())
        return []  # it changed or disappeared while it was read

    def words(self) -> str:
        return "\n".join(part for thing in self.things() for part in (thing.name, thing.text) if part)

    def focused(self) -> list[Thing]:
        return [thing for thing in self.things() if thing.has(FOCUSED)]

    def find(self, name: str, role: str = "") -> Thing | None:
        return next((one for one in self.things() if one.name == name and (not role or one.role == role)), None)

    def wait(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """Wait until the condition is true and return its value. Otherwise the test fails, with a screenshot."""
        end = time.monotonic() + seconds
        while True:
            if result := condition():
                return result
            if self.process.poll() is not None:
                self.fail(f"the program ended with {self.process.returncode} while waiting for {what}")
            if self.defects():
                self.fail(f"a defect while waiting for {what}")
            if time.monotonic() > end:
                self.fail(f"after {seconds:g} s still not: {what}")
            time.sleep(0.05)

    def wait_title(self, start: str, seconds: float = PATIENCE) -> str:
        return str(self.wait(lambda: (title := self.title()).startswith(start) and title, f"title {start!r}", seconds))

    def wait_words(self, words: str, seconds: float = PATIENCE) -> None:
        self.wait(lambda: words in self.words(), f"words {words!r}", seconds)

    def wait_button(self, name: str, seconds: float = PATIENCE) -> Thing:
        """Wait until a button of that name is enabled."""
        found = self.wait(lambda: self._button(name), f"button {name!r}", seconds)
        assert isinstance(found, Thing)
        return found

    def _button(self, name: str, *, with_letter: bool = False) -> Thing | None:
        """An enabled button with its letter. It has no letter while it is disabled, and may change while it is read."""
        buttons = (one for one in self.things() if one.name == name and "button" in one.role)
        return next((button for button in buttons if button.is_enabled and (button.keys or not with_letter)), None)

    def fail(self, why: str) -> None:
        picture = self.folder / f"failed-{len(list(self.folder.glob('failed-*')))}.png"
        self.desktop.save_screenshot(picture)
        focused = ", ".join(f"{thing.role} {thing.name!r}" for thing in self.focused())
        shown = f"title: {self.title()}\nkeyboard: {focused}\n{self.words()}\nstandard error: {self.said()}"
        pytest.fail(f"{why}\nscreenshot: {picture}\n{shown}\n{self.defects()}", pytrace=True)

    # The process

    def said(self) -> str:
        """What the program wrote to standard error."""
        return (self.folder / "stderr").read_text(encoding="utf-8", errors="replace")

    def marked(self) -> dict[int, str]:
        """The wizard and its living descendants: process id → command line."""
        return marked(self.mark)

    def child(self, word: str) -> int:
        """The process id of the child whose command line has the word `engine` or `practice`."""
        return int(self.wait(lambda: next((pid for pid, line in self.marked().items() if f" {word}" in line), 0), word))

    def close(self) -> None:
        """Close the window by keyboard, as a user does, and wait until it and its children have ended."""
        self.press("alt+F4")
        self.wait_ended()

    def wait_ended(self) -> None:
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.fail("the window did not close")
        assert code == 0, self.said()
        self.assert_no_orphans()

    def kill(self) -> None:
        """Kill the program, like a crash."""
        self.process.kill()
        self.process.wait()
        self.assert_no_orphans()

    def assert_no_orphans(self) -> None:
        end = time.monotonic() + PATIENCE
        while left := self.marked():
            assert time.monotonic() < end, f"outlived the window: {left}"
            time.sleep(0.05)

    def defects(self) -> str:
        """The reports of unexpected exceptions written by the program, its engine and Practice."""
        return "\n".join(path.read_text(encoding="utf-8") for path in self.folder.rglob("defects.log"))

    def assert_no_defect(self) -> None:
        assert "Traceback" not in self.said(), self.said()
        assert not self.defects(), self.defects()

    # AT-SPI

    def _walk(self) -> Iterator[Thing]:
        if self._connection is None:
            from jeepney.io.blocking import open_dbus_connection

            self._connection = open_dbus_connection(bus=self.desktop.bus)
        for name in self._call("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames")[0]:
            if name.startswith(":") and self._owner(name) == self.process.pid and name != self._connection.unique_name:
                yield from self._below(name, "/org/a11y/atspi/accessible/root", 0)

    def _owner(self, name: str) -> int:
        about = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
        return int(self._call(*about, "GetConnectionUnixProcessID", "s", (name,))[0])

    def _below(self, name: str, path: str, depth: int) -> Iterator[Thing]:
        accessible = (name, path, "org.a11y.atspi.Accessible")
        try:
            low, high = self._call(*accessible, "GetState")[0]
        except TypeError:  # a connection of the program's that is not for screen readers
            return
        states = low | high << 32
        if depth > 1 and not states >> SHOWING & 1:
            return
        role = self._call(*accessible, "GetRoleName")[0]
        said = self._call(name, path, "org.freedesktop.DBus.Properties", "Get", "ss", (accessible[2], "Name"))[0][1]
        text = ""
        if role in ("text", "password text", "spin button", "entry", "paragraph"):
            with suppress(TypeError, ValueError):
                text = str(self._call(name, path, "org.a11y.atspi.Text", "GetText", "ii", (0, -1))[0])
        keys = ""
        if "button" in role or role == "check box":
            with suppress(TypeError):
                keys = str(self._call(name, path, "org.a11y.atspi.Action", "GetKeyBinding", "i", (0,))[0])
        yield Thing(role, str(said), text, keys, states)
        for child_name, child_path in self._call(*accessible, "GetChildren")[0][:400]:
            yield from self._below(child_name, child_path, depth + 1)

    def _call(self, name: str, path: str, interface: str, method: str, signature: str = "", body: Any = ()) -> Any:
        from jeepney import DBusAddress, MessageType, new_method_call

        address = DBusAddress(path, name, interface)
        message = new_method_call(address, method, signature or None, body)
        reply = self._connection.send_and_get_reply(message, timeout=5)
        if reply.header.message_type is MessageType.error:
            raise TypeError(str(reply.body))
        return reply.body


@contextmanager
def opened(
    desktop: Desktop, folder: Path, *arguments: str, environment: Mapping[str, str] | None = None
) -> Iterator[Wizard]:
    """The wizard, once its window has the keyboard. At the end all that came of it is killed, and no defect was seen.

    `folder` holds its home and what it said, and may be given again to a later one.
    """
    mark = uuid.uuid4().hex
    home = folder / "home"
    (folder / "tmp").mkdir(parents=True, exist_ok=True)
    variables = {
        **os.environ,
        **desktop.environment,
        MARK: mark,
        "ONBOARD_HOME": str(home),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "TMPDIR": str(folder / "tmp"),
        **(environment or {}),
    }
    with (folder / "stderr").open("wb") as said:
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=variables, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    wizard = Wizard(desktop, process, mark, folder, home)
    try:
        wizard.wait(lambda: wizard.title().endswith("Onboard") and wizard.things(), "the window")
        yield wizard
        wizard.assert_no_defect()
    finally:
        if wizard._connection is not None:
            wizard._connection.close()
        for pid in marked(mark):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def marked(mark: str) -> dict[int, str]:
    """Living processes with the mark in their environment: process id → command line."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return found


class Cloud:
    """The cloud of a Practice, queried from outside."""

    def __init__(self, folder: Path) -> None:
        """`folder` is where Practice has written its `env`."""
        lines = (folder / "env").read_text(encoding="utf-8").splitlines()
        self.environment = {name: shlex.split(value)[0] for name, _, value in (line.partition("=") for line in lines)}
        self._address = self.environment["AWS_ENDPOINT_URL"].removeprefix("http://")

    def calls(self, operation: str) -> list[dict[str, Any]]:
        """The calls of an operation that were not refused."""
        calls = json.loads(self._ask("GET", "/practice/calls"))["calls"]
        return [call for call in calls if call["operation"] == operation and not call["error"]]

    def set(self, **settings: Any) -> None:
        self._ask("POST", "/practice/settings", json.dumps(settings))

    def _ask(self, method: str, path: str, body: str = "") -> bytes:
        connection = HTTPConnection(self._address, timeout=30)
        connection.request(method, path, body)
        with closing(connection):
            return connection.getresponse().read()


@contextmanager
def practice(folder: Path, hosts: int) -> Iterator[Cloud]:
    """A Practice that no wizard owns, so that it outlives them; `folder` has its profile.toml."""
    command = [sys.executable, "-m", "onboard", "practice", "--serve", str(folder), "--hosts", str(hosts)]
    command += ["--images", ",".join(practice_images.CHECKED)]
    with running(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield Cloud(folder)
