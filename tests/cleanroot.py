"""A computer on which nobody has installed anything: a bare Debian in namespaces of its own, for a package to go into.

    with clean_root(["libc6", …], extra=["fonts-dejavu-core"]) as root:
        root.run("dpkg", "--install", "/package.deb")
        root.run("onboard", "--version", user=1000)

It has what is named and what that depends on, and so no Python. Its screen is this machine's.
"""

import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import realhosts

USER = 1000
SCREENS = "/tmp/.X11-unix"  # where X servers have their sockets
PREPARE = f"""
useradd --create-home --shell /bin/sh --uid {USER} user
rm -rf /var/cache/apt/archives/*.deb /var/lib/apt/lists
"""
# Its own mounts and processes; an overlay, so that the base stays as it was made.
START = f"""
set -e
mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
mount -t proc proc "$2/root/proc"
mkdir -p "$2/root{SCREENS}" {SCREENS}
mount --bind {SCREENS} "$2/root{SCREENS}"
echo ready
exec sleep infinity
"""


@dataclass(frozen=True, slots=True)
class CleanRoot:
    """`pid`: the process that holds the namespaces; `files`: its file tree, as this process sees it."""

    pid: int
    files: Path

    def command(self, *words: str, user: int = 0) -> list[str]:
        """What runs `words` inside."""
        where = str(self.files).removeprefix(f"/proc/{self.pid}/root")
        enter = ["nsenter", "-t", str(self.pid), "--mount", "--pid"]
        return [*enter, "chroot", f"--userspec={user}:{user}", where, *words]

    def run(
        self, *words: str, user: int = 0, check: bool = True, variables: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            self.command(*words, user=user),
            env=self.environment(user, variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=200,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done

    def environment(self, user: int, variables: Mapping[str, str] | None = None) -> dict[str, str]:
        """Nothing of this machine's."""
        home = "/home/user" if user else "/root"
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": home, "LANG": "C.UTF-8", **(variables or {})}


@contextmanager
def clean_root(packages: Sequence[str], extra: Sequence[str] = ()) -> Iterator[CleanRoot]:
    """Skips by name where this machine cannot."""
    lacking = realhosts.missing_part()
    if lacking:
        pytest.skip(f"a clean root file system needs {lacking}")
    base = _base([*packages, *extra])
    with tempfile.TemporaryDirectory(prefix="onboard-root-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("upper", "work", "root"):
            (folder / part).mkdir()
        unshare = ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *unshare, "sh", "-c", START, "sh", str(base), str(folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            if process.stdout.readline() != b"ready\n":
                raise RuntimeError(process.stderr.read().decode())
            init = int(Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()[0])
            yield CleanRoot(init, Path(f"/proc/{init}/root{folder}/root"))
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdout, process.stderr):
                if stream is not None:
                    stream.close()


def _base(packages: Sequence[str]) -> Path:
    """A bare system of this machine's own release with these packages, made once and kept in the user's cache."""
    codename = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
    mirror = realhosts._mirror(codename)
    recipe = hashlib.sha256(" ".join([*sorted(packages), PREPARE]).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "onboard-tests"
    cache.mkdir(parents=True, exist_ok=True)
    base = cache / f"clean-{codename}-{recipe}"
    with (cache / f"{base.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not base.is_dir():
            building = base.with_suffix(".building")
            shutil.rmtree(building, ignore_errors=True)
            options = ["--variant=minbase", f"--include={','.join(sorted(packages))}"]
            command = ["debootstrap", *options, codename, str(building), mirror]
            made = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800)
            if made.returncode != 0:
                pytest.skip(f"a clean root needs debootstrap, which said {made.stdout[-300:]}{made.stderr}")
            prepare = ["chroot", str(building), "/bin/sh", "-euc", PREPARE]
            subprocess.run(prepare, stdin=subprocess.DEVNULL, capture_output=True, check=True)
            building.rename(base)
    return base
