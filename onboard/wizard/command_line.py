"""Command lines that do the same as a page, as text to paste into a shell of this system."""

import shlex
import subprocess
import sys


def command_line(*words: str) -> str:
    """Quote the words for the shell of this system and join them."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
