"""Host names looked up in the background: the system's resolver cannot be interrupted, so no caller waits inside it."""

import socket
import threading
from collections.abc import Callable
from typing import Any

Answer = list[tuple[Any, ...]] | OSError | UnicodeError
"""What socket.getaddrinfo returned or raised."""


def look_up(host: str, port: int | None, told: Callable[[str, Answer], object]) -> threading.Thread:
    """Call `told` with `host` and the answer in the thread that is returned, which ends by itself."""

    def ask() -> None:
        try:
            answer: Answer = list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            answer = error
        told(host, answer)

    thread = threading.Thread(target=ask, name=f"resolve {host}", daemon=True)
    thread.start()
    return thread


def reason(error: OSError | UnicodeError) -> str:
    """Why there is no address."""
    return (error.strerror if isinstance(error, OSError) else "") or str(error)
