"""What a packaged program puts right about its process before anything else runs."""

import os
import sys
from pathlib import Path


def settle() -> None:
    open_missing_streams()
    forget_own_libraries()
    name_a_home()


def open_missing_streams() -> None:
    """Let standard input, output and error lead nowhere where there is none: no console, or closed by the caller.

    What is opened first takes the lowest number that is free, and so the one that is missing: else the next file, a
    journal perhaps, would get what libraries and children print there.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115 - as long as the process
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def forget_own_libraries() -> None:
    """Take this program's own libraries out of what its children inherit: a browser, a `secret_command`.

    This process has read the variables already; Qt finds its plugins by the file that says where they are. Where the
    child is this program again, it has to find them anew, and not to think that it has inherited them.
    """
    os.environ["PYINSTALLER_RESET_ENVIRONMENT"] = "1"
    for name in ("QT_PLUGIN_PATH", "QML2_IMPORT_PATH"):
        os.environ.pop(name, None)
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
        value, original = os.environ.get(name), os.environ.pop(f"{name}_ORIG", None)
        inside = getattr(sys, "_MEIPASS", "")
        if original is not None:
            os.environ[name] = original
        elif value is not None:
            left = [path for path in value.split(os.pathsep) if path and not path.startswith(inside)]
            if left:
                os.environ[name] = os.pathsep.join(left)
            else:
                del os.environ[name]


def name_a_home() -> None:
    """Give a service's user, who may have no home at all, one that is not there: libraries stumble over none."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/nonexistent"
