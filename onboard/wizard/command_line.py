"""Command lines that do what a page does, as text to paste into a shell of this system."""

import shlex
import subprocess
import sys


def command_line(*words: str) -> str:
    """The words quoted as the shell of this system needs them."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
