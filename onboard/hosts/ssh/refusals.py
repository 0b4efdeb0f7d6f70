"""Errors for people: a host key that is not trusted, a script that did not run."""

import re
from collections.abc import Mapping

from onboard.hosts.ssh.dialogue import NotRun, Refusal
from onboard.hosts.ssh.host_key import HostKey
from onboard.hosts.ssh.known_hosts import KeyVerdict, Trust, entry_name
from onboard.model.errors import (
    ConnectionLost,
    HostError,
    HostKeyUnknown,
    HostUnreachable,
    HostUntrusted,
    LogInRefused,
    OnboardError,
    PrivilegeMissing,
)
from onboard.model.place import Place
from onboard.model.profile import Host
from onboard.model.words import Command, Remedy, Text, foreign, joined, phrase, sh

_REFUSALS: Mapping[Refusal, tuple[type[HostError], str, str, str]] = {
    Refusal.NO_SHELL: (
        ConnectionLost,
        "The account cannot run commands",
        phrase("Its log-in shell did not start /bin/sh"),
        phrase(
            "Give {user} a log-in shell, and remove a forced command (ForceCommand, or command= in authorized_keys) if "
            "there is one. If it has a shell, look at its rc files, such as ~/.bashrc, ~/.profile and ~/.cshrc: they "
            "must not exit, exec another program, or use set -e where there is no terminal"
        ),
    ),
    Refusal.NOT_STARTED: (
        ConnectionLost,
        "The account's log-in shell waits for something",
        phrase("It did not start /bin/sh in time"),
        phrase(
            "Look at the rc files of {user}, such as ~/.bashrc, ~/.profile and ~/.cshrc: without a terminal they must "
            "not read standard input, ask a question, or wait for another server"
        ),
    ),
    Refusal.TOO_MUCH: (
        ConnectionLost,
        "The server printed more than an answer can have",
        phrase("Something there prints without end, so the connection was closed"),
        phrase(
            "Find what prints: a forced command (ForceCommand, or command= in authorized_keys), or an rc file of "
            "{user}, such as ~/.bashrc"
        ),
    ),
    Refusal.MUST_CHANGE: (
        LogInRefused,
        "The account's password must be changed before it can run commands",
        phrase("The password of {user} has expired"),
        phrase("Change it on the server as {user}, or as root with passwd, then the secret of credential {credential}"),
    ),
    Refusal.NO_FOLDER: (
        HostError,
        "No temporary folder could be created on the server",
        phrase("Neither the temporary folders nor the home folder is writable with free space"),
        phrase("Free some space. This shows how full the disks are"),
    ),
    Refusal.READ_ONLY: (
        HostError,
        "No temporary folder could be created on the server",
        phrase("The temporary folders and the home folder are on read-only file systems"),
        phrase(
            "Make one of them writable: /tmp, /var/tmp, /dev/shm or the home folder of {user}. After a disk error, "
            "Linux makes a file system read-only. This shows how they are mounted, and the kernel's errors"
        ),
    ),
    Refusal.BROKEN_OFF: (
        ConnectionLost,
        "A command was interrupted on the server",
        phrase("Its shell ended before the command did"),
        phrase("Check whether the server restarts or runs out of memory"),
    ),
    Refusal.NOT_UNDERSTOOD: (
        ConnectionLost,
        "The server's answer was not understood",
        phrase("What came back is not what the command that was sent prints. It may have run all the same"),
        phrase(
            "Try again. If it happens again, something on the server changes what commands print: look for a program "
            "that records or filters the sessions of {user}, and at its rc files, such as ~/.bashrc and ~/.profile"
        ),
    ),
    Refusal.NO_SUDO: (
        PrivilegeMissing,
        "The account may not act as root",
        phrase("{user} is not root and there is no sudo"),
        phrase(
            "Log in as root, or install the package sudo on the server and allow {user} to use it. Onboard does not "
            "use doas, pkexec or su"
        ),
    ),
    Refusal.NOT_ROOT: (
        PrivilegeMissing,
        "sudo does not run the account's scripts as root",
        phrase("A shell that sudo started for {user} does not have root's user id"),
        phrase(
            "Log in as root, or remove stay_setuid for {user} from /etc/sudoers. This shows whose rights sudo gives"
        ),
    ),
    Refusal.NOT_IN_SUDOERS: (
        PrivilegeMissing,
        "The account may not act as root",
        phrase("sudo does not allow {user} to run commands as root"),
        phrase("Allow it for {user} on the server, as root. Without NOPASSWD, sudo asks for the password of {user}"),
    ),
    Refusal.NEEDS_TTY: (
        PrivilegeMissing,
        "The account may not act as root",
        phrase("sudo asks for a terminal even when it has one"),
        phrase("Remove requiretty from /etc/sudoers for {user}"),
    ),
    Refusal.NO_TTY: (
        PrivilegeMissing,
        "The account may not act as root",
        phrase("sudo asks {user} for a terminal (requiretty), and sshd gives none (PermitTTY no, or no-pty at a key)"),
        phrase("Remove requiretty from /etc/sudoers for {user}, or let sshd give {user} a terminal"),
    ),
    Refusal.OTHER_PASSWORD: (
        PrivilegeMissing,
        "sudo asks for the password of another account, which was not given",
        phrase("targetpw, rootpw or runaspw in /etc/sudoers makes sudo ask {user} for the password of"),
        phrase(
            "Log in as root, allow sudo for {user} without a password (NOPASSWD), or set Defaults:{user} !targetpw, "
            "!rootpw, !runaspw in /etc/sudoers"
        ),
    ),
    Refusal.NO_EXEC: (
        PrivilegeMissing,
        "sudo does not let the account run programs as root",
        phrase("sudo starts a shell for {user} that may start nothing else"),
        phrase("Remove noexec (Defaults noexec, or the tag NOEXEC:) for {user} from /etc/sudoers"),
    ),
    Refusal.NEEDS_PASSWORD: (
        PrivilegeMissing,
        "sudo asks for a password, and none is available",
        phrase("sudo asks for the password of {user}, and credential {credential} has none"),
        phrase("Give credential {credential} a secret (keyring, secret_command or environment), or allow NOPASSWD"),
    ),
    Refusal.WRONG_PASSWORD: (
        PrivilegeMissing,
        "sudo refused the password",
        phrase("sudo refused the password of {user} from credential {credential}"),
        phrase(
            "Correct the secret of credential {credential}: the password that sudo accepts from {user} on the server. "
            "To try one there, as {user}"
        ),
    ),
    Refusal.PASSWORD_EXPIRED: (
        PrivilegeMissing,
        "sudo refused the password: it has expired",
        phrase("The password of {user} has expired"),
        phrase("Change the password on the server, then the credential's secret"),
    ),
    Refusal.SUDO_FAILED: (
        PrivilegeMissing,
        "The account may not act as root",
        phrase("sudo failed"),
        phrase("Run this as {user} on the server and fix what it reports"),
    ),
}
_SUDOERS = "/etc/sudoers.d/onboard"
_HOST_KEYS = {"ssh-ed25519": "ed25519", "ssh-rsa": "rsa"}  # key type → as in the name of sshd's file; else ecdsa


def explain(refused: NotRun, where: str, user: str, credential: str) -> HostError:
    """The error to raise: `where` is the server, `user` the account, `credential` its credential's name."""
    kind, what, why, advice = _REFUSALS[refused.refusal]
    return kind(
        what,
        where=where,
        why=joined(Text(why, user=user, credential=credential), refused.detail),
        remedy=Remedy(Text(advice, user=user, credential=credential), *_commands(refused.refusal, user)),
        evidence=refused.said,
    )


def runs_windows(host: Host, software: str) -> HostUnreachable:
    """The error to raise where a server of the POSIX family turns out to run Windows."""
    return HostUnreachable(
        "The server runs Windows",
        where=host.name,
        why=Text("Its SSH server calls itself {software}", software=software),
        remedy="Take it out of the list: over SSH, Onboard takes Linux servers only",
    )


def _commands(refusal: Refusal, user: str) -> tuple[Command | None, ...]:
    match refusal:
        case Refusal.NO_FOLDER:
            return (sh("df", "-h", "/tmp", "/var/tmp"),)  # noqa: S108 - looked at, not written to
        case Refusal.READ_ONLY:
            return sh("findmnt", "-o", "TARGET,SOURCE,OPTIONS"), sh("sudo", "dmesg", "--level", "err")
        case Refusal.WRONG_PASSWORD:
            return sh("sudo", "-k"), sh("sudo", "-l")
        case Refusal.SUDO_FAILED | Refusal.NOT_ROOT:
            return (sh("sudo", "id"),)
        case Refusal.NOT_IN_SUDOERS if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", user):  # others sudoers would misread
            rule, file = sh("echo", f"{user} ALL=(root) NOPASSWD: ALL"), sh("tee", _SUDOERS)
            return rule and (rule | file), sh("chmod", "440", _SUDOERS)
    return ()


def untrusted(host: Host, key: HostKey, verdict: KeyVerdict) -> HostUntrusted:
    """The error to raise for a key that `verdict` does not trust."""
    where = f" ({verdict.source})" if verdict.source else ""
    shown = Text("It presented {key_type} {fingerprint}", key_type=key.key_type, fingerprint=key.fingerprint)
    reason = joined(shown, f"{verdict.reason}{where}" if verdict.reason else "", ". ")
    if verdict.trust is Trust.CHANGED:
        return HostUntrusted(
            "The server's identity has changed; nothing was sent to it",
            where=host.name,
            why=reason,
            remedy=after_change(host.place, verdict),
        )
    if verdict.trust is Trust.REVOKED:
        return HostUntrusted(
            "The server's key is revoked; nothing was sent to it",
            where=host.name,
            why=reason,
            remedy="Give the server a new host key",
        )
    return HostKeyUnknown(
        "The server's identity is not known; nothing was sent to it",
        where=host.name,
        why=reason,
        remedy=Remedy(
            "Compare the fingerprint with the server's own, then approve it. On the server, this shows it",
            sh("ssh-keygen", "-lf", f"/etc/ssh/ssh_host_{_HOST_KEYS.get(key.key_type, 'ecdsa')}_key.pub"),
        ),
    )


def after_change(place: Place, verdict: KeyVerdict) -> Remedy:
    """What to do about a server whose key changed, by the verdict on its new key."""
    file, _, _ = verdict.source.rpartition(":")
    return Remedy(
        "Find out why the key changed: the server was reinstalled, or somebody intercepts the connection. If the new "
        "key is right, remove the old one on this computer, then approve the new one. This removes it",
        sh("ssh-keygen", "-R", foreign(entry_name(place)), "-f", foreign(file)),
    )


def where_and_why(error: OnboardError) -> str:
    """Where and why, as the reason of another error about a server."""
    return joined(error.where, error.why)
