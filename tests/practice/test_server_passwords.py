"""Practice servers that want passwords, and those whose account may do nothing as root."""

import paramiko
import pytest
from practice_client import run, wanted

from onboard.facts import bundle
from onboard.facts.posix import privilege
from onboard.hosts.ssh.dialogue import NotRun, Refusal, Request
from onboard.model.secret import Secret
from onboard.practice.image import image
from onboard.practice.machine import ACCOUNT
from onboard.practice.serve import running_practice
from onboard.practice.server import ADDRESS
from onboard.scripts.posix import POSIX

PASSWORD = Secret("correct horse")


def test_password_log_in_can_be_had_and_sudo_can_want_it() -> None:
    base = image("healthy-debian")
    guarded = base.model_copy(update={"server": base.server.model_copy(update={"sudo": "password"})})
    with running_practice(only=[guarded], password=PASSWORD) as practice:
        (server,) = practice.servers
        transport = paramiko.Transport((ADDRESS, server.port))
        try:
            transport.start_client(timeout=10)
            transport.auth_password(ACCOUNT, PASSWORD.reveal(), fallback=False)
        finally:
            transport.close()
            transport.join(10)
        script = bundle.compose(POSIX, [privilege.FACT], wanted(practice))
        request = Request.new(script, privileged=True, has_password=True)
        assert run(practice, server, request, password=PASSWORD.reveal().encode()).exit_code == 0
        assert server.log_ins == 2
        with pytest.raises(NotRun) as caught:
            run(practice, server, request, password=b"wrong")
        assert caught.value.refusal is Refusal.WRONG_PASSWORD
        with pytest.raises(NotRun) as caught:
            run(practice, server, Request.new(script, privileged=True))
        assert caught.value.refusal is Refusal.NEEDS_PASSWORD


def test_an_account_without_sudo_says_so() -> None:
    base = image("healthy-debian")
    bare = base.model_copy(update={"server": base.server.model_copy(update={"sudo": "none"})})
    with running_practice(only=[bare]) as practice:
        with pytest.raises(NotRun) as caught:
            run(practice, practice.servers[0], Request.new("# fact: clock", privileged=True))
        assert caught.value.refusal is Refusal.NO_SUDO
