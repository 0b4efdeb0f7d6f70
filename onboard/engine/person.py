"""The operating system's name for the user who runs this program."""

import getpass
import os


def person() -> str:
    """The user's name, from the process's user id, since variables such as USER may name somebody else."""
    if os.name == "nt":
        return getpass.getuser()
    import pwd

    user = os.geteuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # as in containers
        return f"uid {user}"
