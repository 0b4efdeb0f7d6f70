"""The practice cloud: enough of AWS on one loopback address for a whole onboarding, even with real agents.

    async with asyncio: cloud = await start_cloud(); …; await cloud.stop()
    in tests and threads: with running_cloud() as cloud: …

Nothing is stored: everything is in this process, and ends with it.
"""

import asyncio
import os
import socket
import threading
from asyncio.sslproto import SSLProtocol
from asyncio.trsock import TransportSocket
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

from aiohttp import web

from onboard.files import allow_open_files
from onboard.practice.agentbucket import AgentBucket
from onboard.practice.authority import new_authority
from onboard.practice.calls import CallLog
from onboard.practice.channel import ControlChannels
from onboard.practice.front import LARGEST_BODY, Front
from onboard.practice.loop_thread import running
from onboard.practice.motoapp import ACCOUNT, MotoApplication
from onboard.practice.settings import Settings

LARGEST_TLS_RECORD = 16 * 1024
"""What asyncio needs to hold of a TLS connection; its own 256 KiB would be 512 MiB for a thousand agents here."""
_only_one = threading.Lock()


@dataclass(slots=True, eq=False)
class Cloud:
    """A running practice cloud."""

    endpoint_url: str
    """The value for AWS_ENDPOINT_URL, and for an agent's Ssm.Endpoint and Mds.Endpoint."""
    messages_url: str
    """The value for an agent's Mgs.Endpoint. It is served over TLS, the only way in which agents open it."""
    authority: str
    """The root certificate of that TLS, as PEM: only servers of this practice trust it."""
    calls: CallLog
    settings: Settings
    signing_key: str
    """The armored OpenPGP public key for this practice's packages."""
    _runner: web.AppRunner
    _moto: MotoApplication

    account: str = ACCOUNT

    def environment(self, region: str) -> dict[str, str]:
        """Variables that make boto3 and AWS's own tools use this cloud, and nothing else.

        They replace the user's: see `onboard.model.practice_environment`. The files of ~/.aws count as empty, since a
        profile in them may name endpoints, a role or credentials.
        """
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_ACCESS_KEY_ID": "AKIAPRACTICEPRACTICE",
            "AWS_SECRET_ACCESS_KEY": "practice",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }

    async def stop(self) -> None:
        """Close the port, end open polls and threads, and forget everything."""
        try:
            await _end(self._runner)
        finally:
            try:
                await asyncio.to_thread(self._moto.close)
            finally:
                _only_one.release()


async def start_cloud(settings: Settings | None = None, *, host: str = "127.0.0.1", port: int = 0) -> Cloud:
    """Start a cloud in the running event loop, on a port the operating system chooses unless one is given.

    Raises RuntimeError when this process has one already: moto keeps its state per process. Raises OSError if
    the address is not available.
    """
    if not _only_one.acquire(blocking=False):
        raise RuntimeError("one practice cloud runs in this process already")
    moto: MotoApplication | None = None
    runner: web.AppRunner | None = None
    try:
        allow_open_files(65536)  # every agent's poll is an open connection
        SSLProtocol.max_size = LARGEST_TLS_RECORD
        used = settings or Settings()
        calls = CallLog()
        moto = MotoApplication()
        bucket = AgentBucket(used)
        channels = ControlChannels()
        front = Front(used, calls, bucket, moto, channels)
        authority = new_authority(host)
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", front.handle)
        application.on_shutdown.append(lambda _: channels.close())
        runner = web.AppRunner(
            application,
            access_log=None,
            auto_decompress=False,  # do not decode by an object's Content-Encoding
            handler_cancellation=True,  # a poll whose agent has gone away must not take a message
            handle_signals=False,
            shutdown_timeout=0.2,
        )
        await runner.setup()
        await web.TCPSite(runner, host, port, backlog=1024).start()
        await web.TCPSite(runner, host, 0, backlog=1024, ssl_context=authority.context).start()
        plain, encrypted = (f"{host}:{address[1]}" for address in runner.addresses)
        urls = f"http://{plain}", f"https://{encrypted}"
        return Cloud(*urls, authority.certificate, calls, used, bucket.public_key, runner, moto)
    except BaseException:
        if runner is not None:
            await _end(runner)
        if moto is not None:
            moto.close()
        _only_one.release()
        raise


def running_cloud(
    settings: Settings | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AbstractContextManager[Cloud]:
    """Run a cloud in its own thread and event loop during the block. Raises the same as `start_cloud`."""
    return running(lambda: start_cloud(settings, host=host, port=port), "practice-cloud")


async def _end(runner: web.AppRunner) -> None:
    """Stop serving, and wait until every connection is closed.

    Over TLS, asyncio waits for the other side's farewell, for longer than this event loop may live.
    """
    connections = runner.server.connections if runner.server is not None else []
    found = [_socket(connection.transport) for connection in connections if connection.transport is not None]
    sockets = [one for one in found if one is not None]
    await runner.cleanup()
    for one in sockets:
        with suppress(OSError):  # it is closed already
            one.shutdown(socket.SHUT_RDWR)
    while any(one.fileno() != -1 for one in sockets):
        await asyncio.sleep(0)


def _socket(transport: asyncio.Transport) -> TransportSocket | None:
    """Its socket; None if asyncio has let go of it, since the other side was gone or it was closed twice."""
    with suppress(AttributeError):
        found: TransportSocket | None = transport.get_extra_info("socket")
        return found
    return None
