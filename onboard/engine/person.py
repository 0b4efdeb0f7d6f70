"""Who runs this program, as the operating system knows them."""

import getpass
import os


def person() -> str:
    """The user's name: by the process's user id, since variables such as USER may name another."""
    if os.name == "nt":
        return getpass.getuser()
    import pwd

    user = os.geteuid()
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:  # as in containers
        return f"uid {user}"
