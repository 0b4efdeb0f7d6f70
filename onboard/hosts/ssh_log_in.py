"""Authentication over SSH, once the host key is trusted: keys, ssh-agent, passwords."""

import contextlib
import io
import os
import stat
from collections.abc import Sequence
from pathlib import Path

import paramiko
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from onboard.hosts.credentials import Secrets
from onboard.hosts.lockout import Lockout
from onboard.hosts.ssh_transport import SshTransport, said_by
from onboard.model.cancel import CancelToken
from onboard.model.errors import LogInRefused
from onboard.model.profile import Credential, Host
from onboard.model.secret import Secret

_NO_FILE = (OSError, ValueError, RuntimeError)  # the latter two: no file can have this name; nobody has this ~name


class LogIn:
    """Authentication on one transport whose host key is trusted."""

    def __init__(self, host: Host, credential: Credential, transport: SshTransport, cancel: CancelToken) -> None:
        self._host = host
        self._credential = credential
        self._user = credential.username
        self._transport = transport
        self._cancel = cancel

    def with_key(self, key: paramiko.PKey) -> Sequence[str]:
        """The methods that are wanted in addition; none when logged in."""
        try:
            return self._transport.auth_publickey(self._user, key)
        except paramiko.BadAuthenticationType as error:
            raise self._not_offered("a key", error.allowed_types) from None
        except paramiko.AuthenticationException as error:
            self._cancel.check_now()
            if not self._transport.is_active():
                raise
            raise LogInRefused(
                f"The server refused the key for {self._user}",
                where=self._host.name,
                why=said_by(error),
                remedy=f"Put the public key of {self._credential.key_file} into ~{self._user}/.ssh/authorized_keys; "
                "that file and its folder must be writable by the account alone",
            ) from None

    def with_agent(self) -> Sequence[str]:
        """As `with_key`, with each key of ssh-agent, or with the one that key_file names."""
        # An agent's connection serves one thread at a time, so each log-in has its own.
        try:
            agent = paramiko.Agent()
        except (paramiko.SSHException, OSError) as error:
            raise self._no_agent(said_by(error)) from None
        try:
            keys = self._agent_keys(agent)
            for number, key in enumerate(keys, 1):
                self._cancel.check_now()
                try:
                    return self._transport.auth_publickey(self._user, key)
                except paramiko.BadAuthenticationType as error:
                    raise self._not_offered("a key", error.allowed_types) from None
                except paramiko.AuthenticationException:
                    self._cancel.check_now()
                    if not self._transport.is_active():
                        raise self._agent_refused(f"It hung up after {number} of {len(keys)} keys") from None
            raise self._agent_refused(f"None of the {len(keys)} keys in it is accepted")
        finally:
            agent.close()

    def _agent_keys(self, agent: paramiko.Agent) -> Sequence[paramiko.PKey]:
        keys = agent.get_keys()
        if not keys:
            raise self._no_agent("No agent is running (SSH_AUTH_SOCK), or it holds no key")
        if not self._credential.key_file:
            return keys
        try:
            path = Path(self._credential.key_file).expanduser()
            public = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
            wanted = public.read_text(encoding="utf-8").split()[1]
        except (*_NO_FILE, IndexError):
            why = f"The public key of {self._credential.key_file}, which names the key to use, cannot be read"
            raise self._no_agent(why) from None
        chosen = [key for key in keys if key.get_base64() == wanted]
        if not chosen:
            raise self._no_agent(f"It does not hold the key of {public}")
        return chosen

    def with_password(self, password: Secret, lockout: Lockout, allowed: Sequence[str] | None = None) -> None:
        """Log in with a password, by whichever of the two methods is offered; never by both."""
        if allowed is None:
            allowed = self._offered()
            if allowed is None:
                return
        interactive = "password" not in allowed
        if interactive and "keyboard-interactive" not in allowed:
            raise self._not_offered("a password", allowed)
        with lockout.attempt(self._user, self._host.credential, self._host.name, self._cancel) as attempt:
            self._cancel.check_now()
            asked = _Questions(password)
            try:
                if interactive:
                    more = self._transport.auth_interactive(self._user, asked.answer)
                else:
                    more = self._transport.auth_password(self._user, password.reveal(), fallback=False)
                attempt.accepted = True
            except paramiko.BadAuthenticationType as error:
                raise self._not_offered("a password", error.allowed_types) from None
            except (paramiko.SSHException, EOFError, OSError) as error:
                self._cancel.check_now()
                if asked.too_much:
                    raise self._asks_for_more(asked.too_much) from None
                if "timeout" in str(error):
                    raise
                # Some servers hang up on a wrong password. When in doubt it counts: an account is easily locked.
                if not interactive or asked.answered:
                    attempt.accepted = False
                raise LogInRefused(
                    f"The server refused the password of {self._user}",
                    where=self._host.name,
                    remedy=f"Correct the secret of credential {self._host.credential}",
                ) from None
        if more:
            raise self._asks_for_more(" and ".join(more))

    def _offered(self) -> Sequence[str] | None:
        """The methods that the server offers; None when it wants no authentication at all."""
        try:
            return self._transport.auth_none(self._user) or None
        except paramiko.BadAuthenticationType as error:
            return error.allowed_types

    def _not_offered(self, what: str, allowed: Sequence[str]) -> LogInRefused:
        return LogInRefused(
            f"The server does not accept {what}",
            where=self._host.name,
            why=f"For {self._user} it offers only: {', '.join(allowed) or 'nothing'}",
            remedy="Use a credential of another kind, or change PasswordAuthentication, KbdInteractiveAuthentication "
            "or PubkeyAuthentication in its sshd_config",
        )

    def _asks_for_more(self, what: str) -> LogInRefused:
        return LogInRefused(
            "The server asks for more than a password",
            where=self._host.name,
            why=f"It wants: {what}",
            remedy="Use an account without a second factor and with a password that has not expired",
        )

    def _no_agent(self, why: str) -> LogInRefused:
        return LogInRefused(
            "ssh-agent has no key to log in with", where=self._host.name, why=why, remedy="Start it and run ssh-add"
        )

    def _agent_refused(self, why: str) -> LogInRefused:
        return LogInRefused(
            f"The server refused the keys of ssh-agent for {self._user}",
            where=self._host.name,
            why=why,
            remedy="Name the right one with key_file, or add it to the account's authorized_keys",
        )


class _Questions:
    """Answers keyboard-interactive's one question for a password, once. Called in paramiko's thread."""

    def __init__(self, password: Secret) -> None:
        self._password = password
        self.answered = False
        self.too_much = ""

    def answer(self, _title: str, _instructions: str, questions: Sequence[tuple[str, bool]]) -> list[str]:
        if not questions:
            return []
        if len(questions) == 1 and not self.answered:
            self.answered = True
            return [self._password.reveal()]
        texts = " ".join(text.strip() for text, _ in questions)
        # The same question again means that the password was wrong; anything else is a further demand.
        if not self.answered or "password" not in texts.lower() or "new" in texts.lower():
            self.too_much = texts[:200]
        raise paramiko.SSHException("more questions than a password")


def load_key(name: str, credential: Credential, secrets: Secrets, cancel: CancelToken) -> paramiko.PKey:
    """Read the credential's private key. Raises LogInRefused, without `where`."""
    if not credential.key_file:
        raise LogInRefused(
            "There is no key to log in with",
            why=f"Credential {name} names no key_file",
            remedy="Give it a key_file",
        )
    try:
        path = Path(credential.key_file).expanduser()
        mode = path.stat()
        if os.name == "posix" and mode.st_uid == os.getuid() and stat.S_IMODE(mode.st_mode) & 0o077:
            raise LogInRefused(
                "The key file was not used",
                why=f"Other users of this computer may read {path} (mode {stat.S_IMODE(mode.st_mode):04o})",
                remedy=f"chmod 600 {path}",
            )
        content = path.read_bytes()
    except _NO_FILE as error:
        raise LogInRefused(
            "The key file cannot be read",
            why=f"{credential.key_file}: {getattr(error, 'strerror', None) or error}",
            remedy="Correct key_file, or the file's permissions",
        ) from None
    with contextlib.suppress(TypeError):  # raised for encrypted keys
        return _parse_key(path, content, None)
    passphrase = secrets.passphrase(name, cancel)
    if passphrase is None:
        raise LogInRefused(
            "The key file is encrypted",
            why=f"There is no passphrase for {path}",
            remedy=f"Give the secret {name}_PASSPHRASE, or use ssh-agent",
        )
    return _parse_key(path, content, passphrase)


def _parse_key(path: Path, content: bytes, passphrase: Secret | None) -> paramiko.PKey:
    """TypeError when a passphrase is needed and none given.

    Parsed by cryptography: paramiko's own parser knows no PKCS #8 and refuses some ECDSA keys without a comment.
    """
    secret = passphrase.reveal().encode() if passphrase is not None else None
    try:
        if b"BEGIN OPENSSH PRIVATE KEY" in content:
            private: object = load_ssh_private_key(content, secret)
        else:
            private = load_pem_private_key(content, secret)
        key = _to_paramiko(private)
    except UnsupportedAlgorithm:
        key = None
    except ValueError:
        if passphrase is not None:
            raise LogInRefused(
                "The key file cannot be decrypted",
                why=f"The passphrase for {path} is wrong",
                remedy="Correct the credential's passphrase",
            ) from None
        raise LogInRefused(
            "The key cannot be used",
            why=f"{path} is not a private key in OpenSSH's or PEM format",
            remedy="Name the private key, not the .pub file; convert PuTTY's .ppk with puttygen",
        ) from None
    if key is None:
        raise LogInRefused(
            "The key cannot be used",
            why=f"{path} holds a key of a type that is not supported",
            remedy="Use an Ed25519, ECDSA or RSA key, or ssh-agent",
        )
    certificate = path.with_name(path.name + "-cert.pub")
    try:
        if certificate.is_file():
            key.load_certificate(str(certificate))
    except (OSError, ValueError):
        raise LogInRefused(
            "The key's certificate cannot be used",
            why=f"{certificate} cannot be read, is damaged, or is for a key of another type",
            remedy="Renew it, or move it elsewhere to log in with the key alone",
        ) from None
    return key


def _to_paramiko(private: object) -> paramiko.PKey | None:
    """None for a type that paramiko does not use."""
    if isinstance(private, RSAPrivateKey):
        return paramiko.RSAKey(key=private)
    if isinstance(private, EllipticCurvePrivateKey):
        return paramiko.ECDSAKey(vals=(private, private.public_key()))
    if isinstance(private, Ed25519PrivateKey):
        text = private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        return paramiko.Ed25519Key(file_obj=io.StringIO(text.decode()))
    return None
