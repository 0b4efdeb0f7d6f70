"""Authentication over SSH, once the host key is trusted: keys, ssh-agent, passwords."""

import re
from collections.abc import Sequence
from pathlib import Path

import paramiko

from onboard.hosts.ssh.account import Account
from onboard.hosts.ssh.private_key import NO_FILE
from onboard.hosts.ssh.transport import SshTransport, asks_for_new_password, is_log_in_timeout, said_by
from onboard.model.cancel import CancelToken
from onboard.model.errors import LogInRefused
from onboard.model.secret import Secret
from onboard.model.words import Remedy, Text, joined, phrase, sh

_ADD_KEY = phrase(
    "Add the public key of {key_file} to ~{user}/.ssh/authorized_keys; only the account may have write access to that "
    "file and its folder"
)
_POSSIBILITIES = phrase(
    "If the key is there, these can refuse it too: from= or expiry-time= before the key; AllowUsers, DenyUsers, "
    "AllowGroups, DenyGroups or PubkeyAcceptedAlgorithms in sshd_config; an account that is locked or has expired. The "
    "server's log says which"
)
_SSHD_LOG = (sh("sudo", "journalctl", "-u", "ssh", "-u", "sshd", "-n", "50"),)
_OTHER_KEY = phrase(
    "If it is there, use a key of another kind, such as ecdsa or ed25519, or update the server's OpenSSH"
)

BANNER_LINES = 3
LONGEST_SAID = 300  # characters of what a server said, within a message
# Words of the questions by which PAM, SSSD and others have a password changed.
MUST_CHANGE = re.compile(r"\b(?:current|change|changed|expired|new)\b", re.IGNORECASE)
NEW_PASSWORD = re.compile(r"\bnew\b", re.IGNORECASE)
# What pam_unix and pam_nologin say although key or password are right → what that means, and what to do.
_REASONS = (
    (
        re.compile("account has expired"),
        phrase("The account {user} has expired on the server"),
        phrase("Extend it on the server as root (chage -E), or use another account"),
    ),
    (
        re.compile("not permitted to log in|System is (?:going down|booting up)"),
        phrase("The server admits nobody at present"),
        phrase("Try again once it has started. If it has, /run/nologin or /etc/nologin was left behind there"),
    ),
    (
        re.compile("required to change your password|password has expired", re.IGNORECASE),
        phrase("The password of {user} must be changed before it can be used"),
        phrase("Change it on the server as {user}, or as root with passwd"),
    ),
)


class LogIn:
    """Authentication on one transport whose host key is trusted."""

    def __init__(self, account: Account, transport: SshTransport, cancel: CancelToken) -> None:
        self._account = account
        self._host = account.host
        self._key_file = account.credential.key_file
        self._user = account.username
        self._transport = transport
        self._cancel = cancel

    def with_key(self, key: paramiko.PKey) -> Sequence[str]:
        """Log in with a key. Returns the methods that the server requires in addition; () when logged in."""
        try:
            return self._transport.auth_publickey(self._user, key)
        except paramiko.BadAuthenticationType as error:
            raise self._not_offered("a key", error.allowed_types) from None
        except paramiko.AuthenticationException as error:
            self._cancel.check_now()
            self._refuse_by_its_word()
            unable = self._transport.cannot_verify([key.get_name()])
            if not (unable or self._transport.is_active()):
                raise
            raise LogInRefused(
                Text("The server refused the key for {user}", user=self._user),
                where=self._host.name,
                why=joined(unable or said_by(error), self._said),
                evidence=self._said,
                remedy=_key_remedy(unable, Text(_ADD_KEY, key_file=self._key_file, user=self._user)),
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
                    self._refuse_by_its_word()
                    if not self._transport.is_active():
                        why = Text(
                            "It closed the connection after {number} of {count} keys", number=number, count=len(keys)
                        )
                        raise self._agent_refused(why, keys) from None
            raise self._agent_refused(Text("It accepted none of the agent's {count} keys", count=len(keys)), keys)
        finally:
            agent.close()

    def _agent_keys(self, agent: paramiko.Agent) -> Sequence[paramiko.PKey]:
        keys = agent.get_keys()
        if not keys:
            raise self._no_agent("No agent is running (SSH_AUTH_SOCK), or it holds no key")
        if not self._key_file:
            return keys
        try:
            path = Path(self._key_file).expanduser()
            public = path if path.suffix == ".pub" else path.with_name(path.name + ".pub")
            wanted = public.read_text(encoding="utf-8").split()[1]
        except (*NO_FILE, IndexError):
            told = phrase("The public key of {key_file}, which names the key to use, cannot be read")
            raise self._no_agent(Text(told, key_file=self._key_file)) from None
        chosen = [key for key in keys if key.get_base64() == wanted]
        if not chosen:
            raise self._no_agent(Text("The agent does not hold the key in {path}", path=public))
        return chosen

    def with_password(self, password: Secret, allowed: Sequence[str] | None = None) -> None:
        """Log in with a password, by whichever of the two methods is offered; never by both."""
        if allowed is None:
            allowed = self._offered()
            if allowed is None:
                return
        interactive = "password" not in allowed
        if interactive and "keyboard-interactive" not in allowed:
            raise self._not_offered("a password", allowed)
        with self._account.turn(self._cancel) as attempt:
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
                if asked.must_change or asks_for_new_password(error):
                    raise self._must_change(asked.must_change) from None
                if asked.too_much:
                    raise self._asks_for_more(asked.too_much) from None
                if is_log_in_timeout(error):
                    raise
                self._refuse_by_its_word()
                # Some servers hang up on a wrong password. When in doubt count it as refused: accounts lock easily.
                if not interactive or asked.answered:
                    attempt.accepted = False
                raise LogInRefused(
                    Text("The server refused the password of {user}", user=self._user),
                    where=self._host.name,
                    why=self._said,
                    evidence=self._said,
                    remedy=Text("Correct the secret of credential {credential}", credential=self._host.credential),
                ) from None
        if more:
            raise self._asks_for_more(" and ".join(more))

    @property
    def _said(self) -> str:
        """What the server said while it refused, in one line; "" if nothing."""
        lines = self._transport.auth_banner().split("\n")
        return " ".join(line.strip() for line in lines[-BANNER_LINES:] if line.strip())[:LONGEST_SAID]

    def _refuse_by_its_word(self) -> None:
        """Raise LogInRefused where the server said that it refuses for a reason other than key or password.

        sshd sends what PAM says as a banner, and may then close the connection.
        """
        for words, what, advice in _REASONS:
            if words.search(self._transport.auth_banner()):
                raise LogInRefused(
                    Text(what, user=self._user),
                    where=self._host.name,
                    why=self._said,
                    evidence=self._said,
                    remedy=Text(advice, user=self._user),
                )

    def _must_change(self, asked: str) -> LogInRefused:
        return LogInRefused(
            Text("The password of {user} must be changed before it can be used", user=self._user),
            where=self._host.name,
            why=joined("The server accepted it and asks for", asked or "a new one"),
            remedy=Text(
                "Change it on the server as {user}, then the secret of credential {credential}",
                user=self._user,
                credential=self._host.credential,
            ),
        )

    def _offered(self) -> Sequence[str] | None:
        """The methods that the server offers; None when it requires no authentication at all."""
        try:
            return self._transport.auth_none(self._user) or None
        except paramiko.BadAuthenticationType as error:
            return error.allowed_types

    def _not_offered(self, what: str, allowed: Sequence[str]) -> LogInRefused:
        return LogInRefused(
            Text("The server does not accept {what}", what=what),
            where=self._host.name,
            why=Text("For {user} it offers only: {methods}", user=self._user, methods=", ".join(allowed) or "nothing"),
            remedy="Use a credential of another kind, or change PasswordAuthentication, KbdInteractiveAuthentication "
            "or PubkeyAuthentication in its sshd_config",
        )

    def _asks_for_more(self, what: str) -> LogInRefused:
        return LogInRefused(
            "The server asks for more than a password",
            where=self._host.name,
            why=joined("It asks for", what),
            remedy="Use an account without a second factor and with a password that has not expired",
        )

    def _no_agent(self, why: str) -> LogInRefused:
        return LogInRefused(
            "ssh-agent has no key to log in with",
            where=self._host.name,
            why=why,
            remedy=Remedy("Start ssh-agent and add your key to it", sh("ssh-add")),
        )

    def _agent_refused(self, why: str, keys: Sequence[paramiko.PKey]) -> LogInRefused:
        unable = self._transport.cannot_verify([key.get_name() for key in keys])
        return LogInRefused(
            Text("The server refused the keys of ssh-agent for {user}", user=self._user),
            where=self._host.name,
            why=joined(why, unable, ". "),
            remedy=_key_remedy(
                unable, "Name the right key with key_file, or add a key to the account's authorized_keys"
            ),
        )


def _key_remedy(unable: str, advice: str) -> Remedy:
    """What to do about a key that was refused. `unable`: why the server cannot verify it, "" where it can."""
    if unable:
        return Remedy(joined(advice, _OTHER_KEY, ". "))
    return Remedy(joined(advice, _POSSIBILITIES, ". "), *_SSHD_LOG)


class _Questions:
    """Answers keyboard-interactive's one question for a password, once. Called in paramiko's thread."""

    def __init__(self, password: Secret) -> None:
        self._password = password
        self.answered = False
        self.must_change = ""
        self.too_much = ""

    def answer(self, _title: str, _instructions: str, questions: Sequence[tuple[str, bool]]) -> list[str]:
        if not questions:
            return []
        texts = " ".join(text.strip() for text, _ in questions)
        if len(questions) == 1 and not self.answered and not NEW_PASSWORD.search(texts):
            self.answered = True
            return [self._password.reveal()]
        # The same question again means that the password was wrong; anything else is a further demand.
        if MUST_CHANGE.search(texts) and "password" in texts.lower():
            self.must_change = texts[:LONGEST_SAID]
        elif not self.answered or "password" not in texts.lower():
            self.too_much = texts[:LONGEST_SAID]
        raise paramiko.SSHException("more questions than a password")
