"""A real HTTP proxy (tinyproxy), which writes down what it is asked for.

with web_proxy(fleet.test_address, folder) as proxy:
    proxy.url, proxy.requests()
"""

import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PORT = 3128
REQUEST = re.compile(r"Request \(file descriptor \d+\): (\S+ \S+) HTTP")


@dataclass(frozen=True, slots=True)
class WebProxy:
    """A running proxy. `url`: as a profile names it."""

    url: str
    log: Path

    def requests(self) -> list[str]:
        """What clients asked for, as `METHOD TARGET`."""
        return REQUEST.findall(self.log.read_text())


@contextmanager
def web_proxy(address: str, folder: Path) -> Iterator[WebProxy]:
    """Listen on PORT of this address, which nobody else uses. Skips the test where tinyproxy is missing."""
    if shutil.which("tinyproxy") is None:
        pytest.skip("needs tinyproxy")
    settings, log = folder / "tinyproxy.conf", folder / "tinyproxy.log"
    settings.write_text(f"Port {PORT}\nListen {address}\nTimeout 600\nLogLevel Connect\nMaxClients 100\n")
    with log.open("wb") as output:
        command = ["setpriv", "--pdeathsig", "KILL", "tinyproxy", "-d", "-c", str(settings)]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        try:
            deadline = time.monotonic() + 30
            while not listens(address):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.02)
            yield WebProxy(f"http://{address}:{PORT}", log)
        finally:
            process.kill()
            process.wait()


def listens(address: str) -> bool:
    try:
        socket.create_connection((address, PORT), timeout=1).close()
    except OSError:
        return False
    return True
