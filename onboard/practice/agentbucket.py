"""AWS's bucket of agent packages, for any Region: amazon-ssm-REGION/{latest,stable,VERSION}/…

Serves the stand-in's packages, each with a detached signature, and supports ranges, so that a broken download can be
resumed.
"""

import functools
import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime

from aiohttp import web

from onboard.practice.packages import MADE, build_deb, build_rpm
from onboard.practice.settings import Settings
from onboard.practice.signing import SigningKey

PATH = re.compile(r"/amazon-ssm-([a-z]+(?:-[a-z]+)+-\d)/(.+)")
PACKAGES: dict[str, tuple[Callable[[str, str], bytes], str]] = {
    "debian_amd64/amazon-ssm-agent.deb": (build_deb, "amd64"),
    "debian_arm64/amazon-ssm-agent.deb": (build_deb, "arm64"),
    "linux_amd64/amazon-ssm-agent.rpm": (build_rpm, "amd64"),
    "linux_arm64/amazon-ssm-agent.rpm": (build_rpm, "arm64"),
}
RANGE = re.compile(r"bytes=(\d*)-(\d*)")
MODIFIED = format_datetime(datetime.fromtimestamp(MADE, UTC), usegmt=True)


class AgentBucket:
    """The bucket, which creates its own signing key."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._key = SigningKey.generate()
        self.public_key = self._key.public_key()
        self._object = functools.cache(self._made_object)

    def owns(self, path: str) -> bool:
        """Whether the path belongs to this bucket, in any Region."""
        return PATH.fullmatch(path) is not None

    def region_of(self, path: str) -> str:
        """The Region in the bucket's name."""
        found = PATH.fullmatch(path)
        return found.group(1) if found else ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """GET or HEAD of one object. A missing one is AccessDenied, as S3 answers callers who may not list."""
        found = PATH.fullmatch(request.path)
        content = self._find(found.group(2)) if found and request.method in ("GET", "HEAD") else None
        if content is None:
            text = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
            return web.Response(status=403, text=text, content_type="application/xml")
        tag = f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
        headers = {"ETag": tag, "Last-Modified": MODIFIED, "Accept-Ranges": "bytes"}
        wanted = request.headers.get("Range", "")
        if request.headers.get("If-Range", tag) not in (tag, MODIFIED):
            wanted = ""
        part = _range(wanted, len(content))
        if part is None:
            if self._breaks(request):
                return await self._broken(request, content, headers)
            return _response(200, content, headers)
        start, end = part
        if start >= len(content):
            return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{len(content)}"})
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(content)}"
        return _response(206, content[start:end], headers)

    def _breaks(self, request: web.Request) -> bool:
        package = request.path.endswith((".deb", ".rpm"))
        return self._settings.break_download_after is not None and request.method == "GET" and package

    async def _broken(self, request: web.Request, content: bytes, headers: dict[str, str]) -> web.StreamResponse:
        sent = self._settings.break_download_after or 0
        self._settings.break_download_after = None
        response = web.StreamResponse(headers={**headers, "Content-Length": str(len(content))})
        await response.prepare(request)
        await response.write(content[:sent])
        if request.transport is not None:
            request.transport.close()  # what was written is still sent, the rest is not
        return response

    def _find(self, key: str) -> bytes | None:
        folder, _, name = key.partition("/")
        newest = self._settings.agent_versions[0]
        version = newest if folder in ("latest", "stable") else folder
        if version not in self._settings.agent_versions:
            return None
        return self._object(version, name)

    def _made_object(self, version: str, name: str) -> bytes | None:
        if name == "VERSION":
            return version.encode()
        if name.endswith(".sig"):
            package = self._object(version, name.removesuffix(".sig"))
            return None if package is None or name == "VERSION.sig" else self._key.sign(package)
        if name not in PACKAGES:
            return None
        build, architecture = PACKAGES[name]
        return build(version, architecture)


def _response(status: int, body: bytes, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, body=body, headers=headers, content_type="application/octet-stream")


def _range(text: str, size: int) -> tuple[int, int] | None:
    """First byte and the one after the last; None if there is no valid range."""
    found = RANGE.fullmatch(text)
    if found is None or not any(found.groups()):
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    end = min(size, int(last) + 1) if last else size
    return (int(first), end) if end > int(first) or int(first) >= size else None
