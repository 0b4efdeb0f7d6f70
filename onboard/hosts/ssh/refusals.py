"""What a person is told about a host key that is not trusted, and about a script that did not run."""

from collections.abc import Mapping

from onboard.hosts.ssh.dialogue import NotRun, Refusal
from onboard.hosts.ssh.host_key import HostKey
from onboard.hosts.ssh.known_hosts import KeyVerdict, Trust
from onboard.model.errors import ConnectionLost, HostError, HostUntrusted, OnboardError, PrivilegeMissing
from onboard.model.profile import Host

_ALLOW = (
    "Allow it there, as root: echo '{user} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/onboard; "
    "chmod 440 /etc/sudoers.d/onboard. Without NOPASSWD: it takes the password of {user}"
)
_REFUSALS: Mapping[Refusal, tuple[type[HostError], str, str, str]] = {
    Refusal.NO_SHELL: (
        ConnectionLost,
        "The account cannot run commands",
        "Its log-in shell did not start /bin/sh{said}",
        "Give {user} a shell, and remove a forced command if there is one",
    ),
    Refusal.NO_FOLDER: (
        HostError,
        "No temporary folder could be made on the server",
        "No folder for temporary files, nor the home folder, has room or is writable",
        "Free some space",
    ),
    Refusal.BROKEN_OFF: (
        ConnectionLost,
        "A command was broken off on the server",
        "Its shell went away before the end{said}",
        "See whether the server restarts or runs out of memory",
    ),
    Refusal.NO_SUDO: (
        PrivilegeMissing,
        "The account may not act as root",
        "{user} is not root and there is no sudo",
        "Log in as root, or install sudo (as root: apt-get install sudo, or dnf install sudo) and allow it to {user}",
    ),
    Refusal.NOT_IN_SUDOERS: (
        PrivilegeMissing,
        "The account may not act as root",
        "sudo does not allow it{said}",
        _ALLOW,
    ),
    Refusal.NEEDS_TTY: (
        PrivilegeMissing,
        "The account may not act as root",
        "sudo wants a terminal even in a terminal{said}",
        "Remove requiretty from /etc/sudoers for {user}",
    ),
    Refusal.NEEDS_PASSWORD: (
        PrivilegeMissing,
        "sudo wants a password, and there is none to give",
        "sudo wants the password of {user}, and credential {credential} has none",
        "Give credential {credential} a secret (keyring, secret_command or environment), or allow NOPASSWD",
    ),
    Refusal.WRONG_PASSWORD: (
        PrivilegeMissing,
        "sudo refused the password",
        "sudo refused the password of {user} from credential {credential}",
        "Correct the secret of credential {credential}, the password that `sudo -l` takes from {user} on the server",
    ),
    Refusal.PASSWORD_EXPIRED: (
        PrivilegeMissing,
        "sudo refused the password: it has expired",
        "The password of {user} has expired{said}",
        "Change the password on the server, then the credential's secret",
    ),
    Refusal.SUDO_FAILED: (
        PrivilegeMissing,
        "The account may not act as root",
        "sudo failed{said}",
        "Run `sudo sh` as {user} on the server and repair what it says",
    ),
}


def explain(refused: NotRun, where: str, user: str, credential: str) -> HostError:
    """The error to raise: `where` is the server, `user` the account, `credential` its credential's name."""
    kind, what, why, remedy = _REFUSALS[refused.refusal]
    said = f": {refused.detail}" if refused.detail else ""
    return kind(
        what,
        where=where,
        why=why.format(user=user, credential=credential, said=said),
        remedy=remedy.format(user=user, credential=credential),
    )


def untrusted(host: Host, key: HostKey, verdict: KeyVerdict) -> HostUntrusted:
    """The error to raise for a key that `verdict` does not trust."""
    where = f" ({verdict.source})" if verdict.source else ""
    shown = f"It shows {key.key_type} {key.fingerprint}"
    reason = f"{shown}. {verdict.reason}{where}" if verdict.reason else shown
    if verdict.trust is Trust.CHANGED:
        return HostUntrusted(
            "The server's identity has changed; nothing was sent to it",
            where=host.name,
            why=reason,
            remedy=f"Find out why: a new installation, or somebody in between. If the new key is right, remove the old "
            f"entry of {host.place} and approve the new one",
        )
    if verdict.trust is Trust.REVOKED:
        return HostUntrusted(
            "The server's key is revoked; nothing was sent to it",
            where=host.name,
            why=reason,
            remedy="Give the server a new host key",
        )
    return HostUntrusted(
        "The server's identity is not known; nothing was sent to it",
        where=host.name,
        why=reason,
        remedy="Compare the fingerprint with the server's own (ssh-keygen -lf /etc/ssh/ssh_host_…_key.pub), "
        "then approve it",
    )


def joined(error: OnboardError) -> str:
    """Where and why, as the reason of another error about a server."""
    return ": ".join(part for part in (error.where, error.why) if part)
