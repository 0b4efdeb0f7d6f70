"""moto's application behind the front: IAM, STS, S3 and most of Systems Manager, in a small pool of threads."""

import asyncio
import io
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from unittest import mock
from urllib.parse import unquote_to_bytes

from moto.core.base_backend import AccountSpecificBackend, BackendDict
from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, iam_backends
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from onboard.practice.awsjson import AwsError, parsed_json

THREADS = 4
ACCOUNT = "123456789012"
"""The account for credentials that moto does not know: its default."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, headers, body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


class MotoApplication:
    """moto's WSGI application, called from asyncio."""

    def __init__(self) -> None:
        _settle_moto_session()
        self._application = DomainDispatcherApplication(create_backend_app)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="practice-moto")
        self._policies = threading.Lock()

    async def answer(
        self, method: str, raw_path: str, headers: Mapping[str, str], body: bytes, account: str, partition: str
    ) -> Answer:
        """Have moto answer one request. Raises AwsError InternalFailure if moto crashes."""
        environ = _environ(method, raw_path, headers, body)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._call, environ, account, partition)

    def close(self) -> None:
        """End the threads and reset moto."""
        self._pool.shutdown(wait=True)
        BackendDict.reset()

    def _call(self, environ: dict[str, Any], account: str, partition: str) -> Answer:
        self._load_managed_policies(account, partition)
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], _: Any = None) -> None:
            started.append((status, headers))

        try:
            chunks: Iterable[bytes] = self._application(environ, start_response)
            body = b"".join(chunks)
            close = getattr(chunks, "close", None)
            if close is not None:
                close()
        except Exception as error:
            raise AwsError("InternalFailure", f"{type(error).__name__}: {error}", 500) from error
        status, headers = started[-1]
        return Answer(int(status.split()[0]), headers, body)

    def _load_managed_policies(self, account: str, partition: str) -> None:
        """Put AWS's managed policies into the account's IAM, once.

        moto can do it itself, but then for every partition of every account, which takes half a second per account.
        """
        with self._policies:
            backend = iam_backends[account][partition]
            if backend.aws_managed_policies:
                return
            backend.aws_managed_policies = [
                AWSManagedPolicy.from_data(name, account, backend.region_name, data)
                for name, data in parsed_json(aws_managed_policies_data).items()
            ]
            backend.managed_policies.update({policy.arn: policy for policy in backend.aws_managed_policies})


def _settle_moto_session() -> None:
    """Let moto make the boto3 session it reads the Regions' names from, without this user's AWS configuration.

    A missing profile or an unreadable file must not make a practice fail.
    """
    hidden = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}
    with mock.patch.dict(os.environ, hidden):
        for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
            os.environ.pop(name, None)
        AccountSpecificBackend.get_session()


def _environ(method: str, raw_path: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    path, _, query = raw_path.partition("?")
    host = headers.get("Host", "localhost")
    name, _, port = host.partition(":")
    environ: dict[str, Any] = {
        "REQUEST_METHOD": method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": raw_path,
        "QUERY_STRING": query,
        "SERVER_NAME": name,
        "SERVER_PORT": port or "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for key, value in headers.items():
        upper = key.upper().replace("-", "_")
        if upper == "CONTENT_TYPE":
            environ[upper] = value
        elif upper not in ("CONTENT_LENGTH", "TRANSFER_ENCODING"):
            environ[f"HTTP_{upper}"] = value
    return environ
