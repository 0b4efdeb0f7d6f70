"""Trust: read every server's host keys without credentials, and approve those that the user accepted."""

from collections.abc import Generator, Iterator, Mapping

from onboard.engine.command import Begun, conduct
from onboard.engine.fleet import Emit, Result, kept, work_on
from onboard.engine.survey import finish_with, weak_identity
from onboard.engine.workbench import Tools
from onboard.hosts.ssh.known_hosts import KeyVerdict, KnownHosts, Trust
from onboard.hosts.ssh.refusals import after_change
from onboard.hosts.ssh.trust import SeenKey, accept_listed, accept_new, harvest
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.changes import RunPhase
from onboard.model.events import Event, HostFinished, HostKeySeen, Noted, PhaseStarted
from onboard.model.profile import Host, Profile
from onboard.model.status import HostStatus
from onboard.model.words import Remedy, Text, joined, phrase, sh

_COMPARE = Remedy(
    "Compare the fingerprint with the server's own, then run onboard trust with --accept-new, or with "
    "--known-hosts FILE. On the server, this command shows it",
    sh("ssh-keygen", "-lf", "/etc/ssh/ssh_host_ed25519_key.pub"),
)


def _words(host: Host, verdict: KeyVerdict) -> tuple[str, str]:
    """Reason and remedy for a key that is not trusted."""
    match verdict.trust:
        case Trust.CHANGED:
            return "Its host key changed", after_change(host.place, verdict)
        case Trust.REVOKED:
            advice = phrase("Give the server new host keys; this one is never accepted. It is revoked in {source}")
            return "Its host key is revoked", Text(advice, source=verdict.source)
        case _:
            return "Its host key is not known", _COMPARE


def trust(
    profile: Profile,
    tools: Tools,
    cancel: CancelToken,
    *,
    supplied: KnownHosts | None = None,
    accept: bool = False,
    approve: Mapping[str, str] | None = None,
    profile_path: str = "",
) -> Iterator[Event]:
    """Show every server's keys. `accept` approves those of unknown servers; `supplied` approves those that it lists;
    `approve`, server → fingerprint, approves those that a person has reviewed, if they are still the same.

    A changed or revoked key is never approved.
    """

    known = tools.known_hosts

    def body(_: str) -> Generator[Event, None, None]:
        for path, why in (*known.not_understood, *(supplied.not_understood if supplied else ())):
            yield Noted.warning(Text("{file}: {why}", file=path, why=why))
        seen: dict[str, tuple[SeenKey, ...]] = {}
        may_accept = accept or supplied is not None or bool(approve)

        def read(host: Host, emit: Emit) -> None:
            try:
                cancel.check()
                keys = harvest(host, known, cancel, supplied=supplied, dialler=tools.dialler)
            except Cancelled:
                return
            except Exception as error:  # noqa: BLE001 - one server's defect must not stop the others
                emit(finish_with(host, error))
                return
            if may_accept:
                # Shown once all keys are decided, so that the file is written once.
                emit(Result(host.name, keys))
            else:
                for event in _told(host, keys, False):
                    emit(event)

        yield PhaseStarted(phase=RunPhase.TRUST, total=len(profile.hosts))
        yield from kept(work_on(profile.hosts, read, concurrency=profile.run.concurrency, cancel=cancel), seen)
        cancel.check()
        every = [key for keys in seen.values() for key in keys]
        accepted = set[str]()
        if supplied is not None:
            accepted |= {key.host.name for key in accept_listed(every, known, supplied)}
        if approve:
            looked_at = [key for key in every if approve.get(key.host.name) == key.key.fingerprint]
            accepted |= {key.host.name for key in accept_new(looked_at, known)}
        if accept:
            accepted |= {key.host.name for key in accept_new(every, known)}
        for host in profile.hosts:
            if host.name in seen:
                yield from _told(host, seen[host.name], host.name in accepted)

    return conduct(Begun(command="trust", profile=profile, hosts=profile.hosts, path=profile_path), body, tools, cancel)


def _told(host: Host, keys: tuple[SeenKey, ...], accepted: bool) -> Iterator[Event]:
    worst = KeyVerdict(Trust.TRUSTED)
    for seen in keys:
        if weakness := seen.key.weakness:
            yield weak_identity(host.name, weakness)
        verdict = seen.verdict.trust
        trusted = verdict is Trust.TRUSTED or (accepted and verdict is Trust.NEW)
        worst = worst if trusted else worst.worse(seen.verdict)
        yield HostKeySeen(
            host=host.name,
            key_type=seen.key.key_type,
            fingerprint=seen.key.fingerprint,
            trust=Trust.TRUSTED if trusted else verdict,
            source="accepted now" if trusted and verdict is Trust.NEW else seen.verdict.source,
        )
    if worst.trust is Trust.TRUSTED:
        yield HostFinished(host=host.name, status=HostStatus.READY)
    else:
        reason, remedy = _words(host, worst)
        shown = ", ".join(f"{seen.key.key_type} {seen.key.fingerprint}" for seen in keys)
        yield HostFinished.of(host.name, HostStatus.UNTRUSTED, reason=joined(reason, shown), remedy=remedy)
