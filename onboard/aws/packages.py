"""The agent's package: fetched once, and its signature verified before use."""

import contextlib
import hashlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from onboard.agent_flaws import Weight, flaws_of
from onboard.aws.downloads import Downloads
from onboard.aws.endpoints import agent_bucket, is_loopback, version_numbers
from onboard.aws.openpgp import SigningKey, aws_keys, check_signature, practice_keys
from onboard.aws.package_labels import read_label
from onboard.aws.session import Aws
from onboard.files import make_private_folder
from onboard.model.cancel import CancelToken
from onboard.model.errors import OnboardError
from onboard.model.family import Family
from onboard.model.package import Package
from onboard.model.profile import Profile
from onboard.model.words import Text

NAME = "amazon-ssm-agent"
FOLDERS = {"deb": "debian", "rpm": "linux"}  # of AWS's bucket, before _amd64 and the like
NEWEST_KNOWN = "3.3.4851.0"  # published 2026-07-27; VERSION is unsigned, so an old `latest` gets a warning
UNVERIFIED = Text(
    "THE AGENT PACKAGE'S SIGNATURE IS NOT CHECKED (agent.verify_signature = false): whoever controls agent.source, or "
    "the way to it, controls every server."
)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A package, and the warnings that a plan must show about it."""

    package: Package
    warnings: tuple[str, ...] = ()


class _Source(Protocol):
    """Where packages come from. Paths are those of AWS's bucket: `latest/debian_amd64/amazon-ssm-agent.deb`."""

    @property
    def place(self) -> str: ...

    def small(self, path: str) -> bytes | None:
        """A small file's content; None if it does not exist."""
        ...

    def copy(self, path: str, target: Path) -> bool:
        """Copy to `target`, which appears only when complete; False if the file does not exist."""
        ...

    def others(self, folder: str, kind: str) -> tuple[str, ...]:
        """Other paths where packages of this kind may be."""
        ...


def fetch_package(
    aws: Aws,
    profile: Profile,
    *,
    kind: str,
    arch: str,
    cache: Path,
    cancel: CancelToken,
    version: str | None = None,
    wait: Callable[[float], bool] | None = None,
) -> Fetched:
    """The agent package for `kind` (deb, rpm) and `arch` (amd64, arm64), from `profile.agent.source`.

    `version` (default `profile.agent.version`): latest, stable or a number. Stored below `cache`. Raises OnboardError
    (not available, bad signature, not the requested package), Cancelled on stop_now(). `wait` as in Downloads.
    """
    wanted = version or profile.agent.version
    if wanted not in ("latest", "stable"):
        version_numbers(wanted)
    downloads = Downloads(cancel, profile.network.proxy, profile.network.no_proxy, wait)
    source = _source(aws, profile, downloads)
    keys = _keys(aws, profile, downloads) if profile.agent.verify_signature else ()
    shelf = cache / hashlib.sha256(source.place.encode()).hexdigest()[:16]
    folder = f"{FOLDERS[kind]}_{arch}"
    with _alone(shelf / f"{folder}.lock", cancel):
        return _Search(source, keys, shelf, folder, kind, arch, wanted, cancel).run()


@dataclass(frozen=True, slots=True)
class _Search:
    """The search for one package, in the cache and at its source. Without `keys`, signatures are not checked."""

    source: _Source
    keys: tuple[SigningKey, ...]
    shelf: Path
    folder: str
    kind: str
    arch: str
    wanted: str
    cancel: CancelToken

    def run(self) -> Fetched:
        number = self._hint() if self.wanted in ("latest", "stable") else self.wanted
        if number and (kept := self._kept(number)):
            return kept
        file = f"{self.folder}/{NAME}.{self.kind}"
        paths = [f"{each}/{file}" for each in dict.fromkeys((number, self.wanted)) if each]
        missed = []
        for path in paths:
            match self._try(path, number):
                case Fetched() as fetched:
                    return fetched
                case str(why):
                    missed.append(why)
        found = [self._try(path, number) for path in self.source.others(self.folder, self.kind)]
        missed += [why for why in found if isinstance(why, str)]
        if matches := [fetched for fetched in found if isinstance(fetched, Fetched)]:
            return max(matches, key=lambda fetched: version_numbers(fetched.package.version))
        asked = f"{NAME} {self.wanted} ({self.kind}, {self.arch})"
        raise OnboardError(
            Text("{package} is not available", package=asked),
            where=self.source.place,
            why="; ".join(missed) or Text("None of these exists: {paths}", paths=", ".join(paths)),
            remedy="Choose another agent.version or agent.source",
        )

    def _try(self, path: str, number: str | None) -> Fetched | str | None:
        """Fetch `path`: the package, or why it is not the requested one; None if nothing is there."""
        target = self.shelf / path
        if not self.source.copy(path, target):
            return None
        signature = b""
        if self.keys:
            found = self.source.small(path + ".sig")
            if found is None:
                return f"{path} has no signature: {path}.sig does not exist"
            signature = found
            _signature_of(target).touch(mode=0o600)
            _signature_of(target).write_bytes(signature)
        return self._judge(path, target, signature, number)

    def _hint(self) -> str | None:
        """The current version of `latest` or `stable`, according to an unsigned file."""
        text = (self.source.small(f"{self.wanted}/VERSION") or b"").decode("ascii", errors="replace").strip()
        return text if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", text) else None

    def _kept(self, number: str) -> Fetched | None:
        """The package from the cache, verified again; None if it has to be fetched."""
        kept = self.shelf / number / self.folder / f"{NAME}.{self.kind}"
        if not kept.exists() or (self.keys and not _signature_of(kept).exists()):
            return None
        signature = _signature_of(kept).read_bytes() if self.keys else b""
        try:
            judged = self._judge(f"{number}/{self.folder}/{kept.name}", kept, signature, number)
        except OnboardError:
            return None  # damaged, or from a different practice cloud: the fetched one overwrites it
        return judged if isinstance(judged, Fetched) else None

    def _judge(self, path: str, file: Path, signature: bytes, number: str | None) -> Fetched | str:
        """Verify, read and compare a file: the package, or why it is not the requested one."""
        warnings: list[str] = []
        key = None
        if self.keys:
            verified = check_signature(file, signature, self.keys, now=datetime.now(UTC), cancel=self.cancel)
            key, sha256 = verified.key, verified.sha256
            warnings += verified.warnings
        else:
            sha256 = _sha256(file, self.cancel)
            warnings.append(UNVERIFIED)
        label = read_label(file)
        other = f"{path} is {label.name} {label.version} ({label.kind}, {label.arch})"
        if (label.name, label.kind, label.arch) != (NAME, self.kind, self.arch):
            return other
        version_numbers(label.version)
        if label.version != number:
            if self.wanted == number or path.startswith(f"{number}/"):
                return other
            if number:
                warnings.append(
                    Text(
                        "{source} says that {wanted} is {number}, but serves {version}.",
                        source=self.source.place,
                        wanted=self.wanted,
                        number=number,
                        version=label.version,
                    )
                )
        if key is not None and not key.signs(label.version):
            raise OnboardError(
                Text("agent {version} is signed with a key for other versions", version=label.version),
                where=self.source.place,
                why=Text("AWS does not use {key} for this version", key=key.fingerprint[-16:]),
                remedy="Do not use it. Fetch the package from AWS's bucket",
            )
        if self._is_old(label.version, key):
            warnings.append(
                Text(
                    "{source} serves agent {version} as latest, but {newest} has been released.",
                    source=self.source.place,
                    version=label.version,
                    newest=NEWEST_KNOWN,
                )
            )
        if not (key is not None and key.practice):  # a practice's package is not AWS's agent
            warnings += self._flaws(label.version)
        final = self.shelf / label.version / self.folder / f"{NAME}.{self.kind}"
        if final != file:
            make_private_folder(final.parent)
            if self.keys:
                _signature_of(file).replace(_signature_of(final))
            file.replace(final)
        package = Package(path=final, kind=self.kind, arch=self.arch, version=label.version, sha256=sha256)
        return Fetched(package, tuple(warnings))

    def _flaws(self, version: str) -> list[str]:
        """Warnings of known flaws. Raises OnboardError for an agent that nobody has chosen in spite of them."""
        family = Family.POSIX if self.kind in FOLDERS else Family.WINDOWS
        flaws = flaws_of(version, family, Weight.FAIL)
        if not flaws:
            warned = flaws_of(version, family, Weight.WARN)
            return [Text("Agent {version} has {flaw}.", version=version, flaw=flaw) for flaw in warned]
        known = "; ".join(map(str, flaws))
        if self.wanted in ("latest", "stable") and not isinstance(self.source, _Folder):
            raise OnboardError(
                Text("agent {version} has a known flaw and is not installed", version=version),
                where=self.source.place,
                why=Text("{wanted} is {version} there: {flaws}", wanted=self.wanted, version=version, flaws=known),
                remedy="Use AWS's bucket (agent.source = aws), or bring the mirror up to date. To install this version "
                "all the same, name it in agent.version",
            )
        return [
            Text(
                "AGENT {version} HAS A KNOWN FLAW: {flaws}. It acts as root on every server it is installed on.",
                version=version,
                flaws=known,
            )
        ]

    def _is_old(self, version: str, key: SigningKey | None) -> bool:
        practice = key is not None and key.practice
        return self.wanted == "latest" and not practice and version_numbers(version) < version_numbers(NEWEST_KNOWN)


# ------------------------------------------------------------------------------------------------------------ sources


@dataclass(frozen=True, slots=True)
class _Web:
    place: str
    downloads: Downloads

    def small(self, path: str) -> bytes | None:
        return self.downloads.small(f"{self.place}/{path}")

    def copy(self, path: str, target: Path) -> bool:
        return self.downloads.file(f"{self.place}/{path}", target)

    def others(self, folder: str, kind: str) -> tuple[str, ...]:
        return ()


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder with the bucket's layout, or with downloaded packages directly in it."""

    folder: Path
    cancel: CancelToken

    @property
    def place(self) -> str:
        return str(self.folder)

    def small(self, path: str) -> bytes | None:
        try:
            with (self.folder / path).open("rb") as file:
                return file.read(64 * 1024 + 1)  # one more than OpenPGP's reader takes
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise _not_copied(self.folder / path, error) from None

    def copy(self, path: str, target: Path) -> bool:
        part = target.with_name(target.name + ".part")
        make_private_folder(target.parent)
        try:
            part.touch(mode=0o600)
            with (self.folder / path).open("rb") as source, part.open("wb") as copy:
                while piece := source.read(1 << 20):
                    self.cancel.check_now()
                    copy.write(piece)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:
            raise _not_copied(self.folder / path, error) from None
        part.replace(target)
        return True

    def others(self, folder: str, kind: str) -> tuple[str, ...]:
        found = sorted(path.name for path in self.folder.glob(f"*.{kind}") if path.is_file())
        return (f"{folder}/{NAME}.{kind}", *found)


def _not_copied(file: Path, error: OSError) -> OnboardError:
    return OnboardError(
        "the agent package cannot be copied",
        where=str(file),
        why=error.strerror or type(error).__name__,
        remedy="Check that you may read it, and the free space here",
    )


def _source(aws: Aws, profile: Profile, downloads: Downloads) -> _Source:
    name = profile.agent.source
    if name == "aws":
        return _Web(agent_bucket(aws.region, aws.s3_endpoint), downloads)
    if name.startswith("https://") or is_loopback(name):
        return _Web(name.rstrip("/"), downloads)
    folder = Path(name).expanduser()
    if "://" in name or not folder.is_dir():
        raise OnboardError(
            "agent.source is neither aws, an https:// mirror nor a folder that exists",
            where=name,
            remedy="Correct agent.source",
        )
    return _Folder(folder.resolve(), downloads.cancel)


def _keys(aws: Aws, profile: Profile, downloads: Downloads) -> tuple[SigningKey, ...]:
    """The trusted keys. A practice cloud's key counts only for its own bucket, and only on this computer."""
    keys = aws_keys()
    endpoint = aws.single_endpoint
    if profile.agent.source != "aws" or endpoint is None or not is_loopback(endpoint):
        return keys
    armored = downloads.small(f"{endpoint.rstrip('/')}/practice/signing-key.asc")
    return keys if armored is None else (*keys, *practice_keys(armored))


@contextlib.contextmanager
def _alone(lock: Path, cancel: CancelToken) -> Iterator[None]:
    """Hold the lock, so that no other process on this computer fetches the same package at the same time."""
    import filelock

    make_private_folder(lock.parent)
    guard = filelock.FileLock(lock, mode=0o600)
    while True:
        cancel.check_now()
        with contextlib.suppress(filelock.Timeout):
            guard.acquire(timeout=1)
            break
    try:
        yield
    finally:
        guard.release()


def _signature_of(package: Path) -> Path:
    return package.with_name(package.name + ".sig")


def _sha256(file: Path, cancel: CancelToken) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(1 << 20):
            cancel.check_now()
            digest.update(piece)
    return digest.hexdigest()
