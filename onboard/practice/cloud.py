"""The practice cloud: enough of AWS on one loopback address for a whole onboarding, even with real agents.

    async with asyncio: cloud = await start_cloud(); …; await cloud.stop()
    in tests and threads: with running_cloud() as cloud: …

Nothing is stored: everything is in this process, and ends with it.
"""

import asyncio
import os
import sys
import threading
from contextlib import AbstractContextManager
from dataclasses import dataclass

from aiohttp import web

from onboard.practice.agentbucket import AgentBucket
from onboard.practice.calls import CallLog
from onboard.practice.front import LARGEST_BODY, Front
from onboard.practice.loop_thread import running
from onboard.practice.motoapp import ACCOUNT, MotoApplication
from onboard.practice.settings import Settings

_only_one = threading.Lock()


@dataclass(slots=True, eq=False)
class Cloud:
    """A running practice cloud."""

    endpoint_url: str
    """The value for AWS_ENDPOINT_URL, and for an agent's Ssm.Endpoint and Mds.Endpoint."""
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
            await self._runner.cleanup()
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
        _allow_many_connections()
        used = settings or Settings()
        calls = CallLog()
        moto = MotoApplication()
        bucket = AgentBucket(used)
        front = Front(used, calls, bucket, moto)
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", front.handle)
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
        bound = runner.addresses[0][1]
        return Cloud(f"http://{host}:{bound}", calls, used, bucket.public_key, runner, moto)
    except BaseException:
        if runner is not None:
            await runner.cleanup()
        if moto is not None:
            moto.close()
        _only_one.release()
        raise


def running_cloud(
    settings: Settings | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AbstractContextManager[Cloud]:
    """Run a cloud in its own thread and event loop during the block. Raises the same as `start_cloud`."""
    return running(lambda: start_cloud(settings, host=host, port=port), "practice-cloud")


def _allow_many_connections() -> None:
    """Raise the limit of open files as far as this user may: every agent's poll is an open connection."""
    if sys.platform == "win32":
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
    if soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):
            return  # macOS has a lower maximum per process, which allows fewer agents
