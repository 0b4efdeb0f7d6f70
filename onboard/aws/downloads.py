"""Download files over HTTPS: through the proxy, resumed after a break, never left half-written."""

import contextlib
import os
import time
import urllib.request
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from onboard.aws.endpoints import is_loopback, origin
from onboard.files import make_private_folder
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.words import Text, joined

if TYPE_CHECKING:
    import requests

CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 20  # seconds without a byte
TIME_LIMIT = 1800  # seconds for a whole file
TRIES = 6
PIECE = 8192  # bytes; urllib3 drops the unfinished piece when a transfer breaks, so small pieces lose little
LARGEST_FILE = 512 * 1024 * 1024  # bytes; agent packages are about 40 MB
_ABSENT = (403, 404, 410)  # S3 answers 403 for a missing object if the caller may not list the bucket
_WORTH_A_TRY = (429, 500, 502, 503, 504)

_T = TypeVar("_T")


class _Broken(Exception):
    """The transfer broke; it can be resumed."""


@dataclass(frozen=True, slots=True)
class Downloads:
    """How to fetch: this computer's proxy settings, else `proxy` except for the hosts of `no_proxy`.

    `wait` sleeps seconds between tries and says whether to stop (default: `cancel.wait_now`).
    """

    cancel: CancelToken
    proxy: str | None = None
    no_proxy: tuple[str, ...] = ()
    wait: Callable[[float], bool] | None = None
    clock: Callable[[], float] = time.monotonic

    def small(self, url: str, *, limit: int = 64 * 1024) -> bytes | None:
        """The content of a small file; None if it does not exist. Raises OnboardError, Cancelled."""

        def attempt() -> bytes | None:
            with self._get(url, {}) as response:
                if response.status_code in _ABSENT:
                    return None
                content = bytearray()
                for piece in response.iter_content(PIECE):
                    content += piece
                    if len(content) > limit:
                        raise _failed(url, Text("It is longer than {limit} bytes", limit=limit))
                return bytes(content)

        return self._again(url, attempt)

    def file(self, url: str, target: Path) -> bool:
        """Download to `target`, which appears only when complete; False if the file does not exist.

        What arrived before a break is kept in `target`.part, also for the next call. Raises OnboardError, Cancelled.
        """
        part, mark = target.with_name(target.name + ".part"), target.with_name(target.name + ".part.mark")
        make_private_folder(target.parent)
        deadline = self.clock() + TIME_LIMIT

        def attempt() -> bool:
            return self._fetch(url, part, mark, deadline)

        try:
            if not self._again(url, attempt):
                return False
            part.replace(target)
            mark.unlink(missing_ok=True)
        except OSError as error:
            why = joined(str(target.parent), error.strerror or type(error).__name__)
            raise _failed(url, why, "Check the free space and the permissions there") from None
        return True

    def _fetch(self, url: str, part: Path, mark: Path, deadline: float) -> bool:
        """One try: the rest of the file if the server still has the same version, otherwise all of it."""
        have, version = (part.stat().st_size, mark.read_text()) if part.exists() and mark.exists() else (0, "")
        wish = {"Range": f"bytes={have}-", "If-Range": version} if have and version else {}
        with self._get(url, wish) as response:
            if response.status_code in _ABSENT:
                return False
            if response.status_code == 416:
                part.unlink(missing_ok=True)
                raise _Broken("the file on the server became shorter")
            resumed = response.status_code == 206
            if resumed and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                part.unlink(missing_ok=True)
                raise _Broken("the server sent a different part than requested")
            size = (have if resumed else 0) + int(response.headers.get("Content-Length", 0))
            if not resumed:
                mark.touch(mode=0o600)
                mark.write_text(_version(response))
            part.touch(mode=0o600)
            with part.open("ab" if resumed else "wb") as file:
                for piece in response.iter_content(PIECE):
                    self.cancel.check_now()
                    file.write(piece)
                    if self.clock() > deadline:
                        raise _failed(url, Text("It took longer than {minutes} minutes", minutes=TIME_LIMIT // 60))
                    if file.tell() > LARGEST_FILE:
                        raise _failed(url, Text("It is larger than {size} MB", size=LARGEST_FILE // 1024 // 1024))
                got = file.tell()
        if "Content-Length" in response.headers and got != size:
            raise _Broken("the transfer ended early")
        return True

    def _again(self, url: str, attempt: Callable[[], _T]) -> _T:
        """Try a few times, with longer pauses each time."""
        for tried in range(1, TRIES + 1):
            self.cancel.check_now()
            try:
                return attempt()
            except _Broken as broken:
                if tried == TRIES:
                    raise _failed(url, str(broken)) from None
            wait = self.wait or self.cancel.wait_now
            wait(2.0 ** (tried - 1))
        raise AssertionError("the last try returns or raises")

    @contextlib.contextmanager
    def _get(self, url: str, headers: dict[str, str]) -> "Iterator[requests.Response]":
        """GET; raises _Broken if trying again may help, otherwise OnboardError."""
        import requests

        local = is_loopback(url)
        with requests.Session() as session:
            session.trust_env = not local  # a practice cloud on this computer is not behind the proxy
            session.proxies.update({} if local else self._proxies(url))
            session.verify = _bundle() or True
            try:
                with session.get(
                    url,
                    headers={"Accept-Encoding": "identity", **headers},
                    stream=True,
                    timeout=(CONNECT_TIMEOUT, READ_TIMEOUT),
                    allow_redirects=not local,
                ) as response:
                    if not local and origin(response.url)[0] != "https":
                        raise _failed(url, Text("It redirects to {url}, which is not https", url=_shown(response.url)))
                    if response.status_code in _WORTH_A_TRY:
                        raise _Broken(f"the server answered {response.status_code}")
                    if response.status_code not in (200, 206, 416, *_ABSENT):
                        raise _failed(url, Text("The server answered {status}", status=response.status_code))
                    yield response
            except requests.exceptions.ProxyError:
                raise _Broken("the proxy refused or cannot be reached") from None
            except requests.exceptions.SSLError:
                raise _failed(
                    url,
                    "The certificate is not trusted here: a proxy that inspects TLS, or a private CA",
                    "Put the CA's certificate in a file and name it in REQUESTS_CA_BUNDLE",
                ) from None
            except requests.exceptions.Timeout:
                raise _Broken(f"no data arrived for {READ_TIMEOUT} seconds") from None
            except (requests.exceptions.InvalidURL, requests.exceptions.InvalidProxyURL):
                raise _failed(url, "The URL, or the proxy's, is wrong", "Correct it in the profile") from None
            except requests.exceptions.RequestException:
                raise _Broken("the connection broke or could not be made") from None

    def _proxies(self, url: str) -> dict[str, str]:
        """The profile's proxy, unless this computer has its own proxy settings (which requests uses)."""
        own = urllib.request.getproxies().keys() - {"no"}
        host = origin(url)[1]
        if own or not self.proxy or urllib.request.proxy_bypass(host) or exempt(host, self.no_proxy):
            return {}
        return {"http": self.proxy, "https": self.proxy}


def _bundle() -> str | None:
    """The user's own file of root certificates, from the variables of requests or else of boto3."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")
    return next((value for value in map(os.environ.get, names) if value), None)


def exempt(host: str, no_proxy: Collection[str]) -> bool:
    """Whether the host is one of these or in their domains; `*` means all, and `*.` is the same as a leading dot."""
    names = (entry.lower().lstrip("*.") for entry in no_proxy if entry != "*")
    return "*" in no_proxy or any(name and f".{host}".endswith(f".{name}") for name in names)


def _version(response: "requests.Response") -> str:
    """The strong ETag that identifies this content in If-Range (RFC 9110, 13.1.5); "" if there is none."""
    tag = response.headers.get("ETag", "")
    return tag if tag.startswith('"') else ""


def _failed(url: str, why: str, remedy: str = "") -> OnboardError:
    return OnboardError(
        "the download failed",
        where=_shown(url),
        why=why if isinstance(why, Text) else why[:1].upper() + why[1:],
        remedy=remedy or "Check the network, the proxy and agent.source, then try again",
    )


def _shown(url: str) -> str:
    """The URL without user and password."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
