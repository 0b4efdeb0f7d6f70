"""The gate of passwords, with threads and restarts."""

import errno
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onboard.hosts.lockout import Lockout
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import LogInRefused, OnboardError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "lockout.json"


def use(lockout: Lockout, host: str, accepted: bool | None, account: str = "ops", credential: str = "main") -> None:
    with lockout.attempt(account, credential, host, CancelToken()) as attempt:
        attempt.accepted = accepted


def test_two_refusals_stop_the_account_everywhere(path: Path) -> None:
    lockout = Lockout(path)
    use(lockout, "web1", False)
    use(lockout, "web2", False, account="OPS")
    with pytest.raises(LogInRefused, match="web1 and web2") as caught:
        use(lockout, "web3", True)
    assert caught.value.where == "web3"
    assert lockout.stopped() == {"ops": ("web1", "web2")}
    use(lockout, "web3", True, account="another")


def test_another_credential_of_a_stopped_account_is_stopped_too(path: Path) -> None:
    lockout = Lockout(path)
    use(lockout, "web1", False)
    use(lockout, "web1", False)
    with pytest.raises(LogInRefused):
        use(lockout, "web1", True, credential="other")


def test_a_full_disk_is_told_and_leaves_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, _: object) -> Path:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OnboardError, match="No space left"):
        use(Lockout(path), "web1", False)
    assert [left.name for left in path.parent.iterdir()] == ["lockout.json.lock"]


def test_a_stop_outlives_the_process_until_it_is_forgiven(path: Path) -> None:
    use(Lockout(path), "web1", False)
    use(Lockout(path), "web2", False)
    with pytest.raises(LogInRefused):
        use(Lockout(path), "web3", True)
    assert path.stat().st_mode & 0o077 == 0
    Lockout(path).forgive("Ops")
    use(Lockout(path), "web3", True)
    assert Lockout(path).stopped() == {}


def test_two_processes_do_not_overwrite_each_other(path: Path) -> None:
    one, other = Lockout(path), Lockout(path)
    use(one, "web1", False)
    use(other, "web2", False)
    assert Lockout(path).stopped() == {"ops": ("web1", "web2")}


def test_a_server_that_accepts_later_takes_its_refusal_back(path: Path) -> None:
    lockout = Lockout(path)
    use(lockout, "web1", False)
    use(lockout, "web1", True)
    use(lockout, "web2", False)
    assert lockout.stopped() == {}
    use(lockout, "web3", True)
    use(lockout, "web4", False)
    assert lockout.stopped() == {"ops": ("web2", "web4")}


def test_no_verdict_counts_for_nothing(path: Path) -> None:
    lockout = Lockout(path)
    for host in ("web1", "web2", "web3"):
        use(lockout, host, None)
    assert lockout.stopped() == {}
    assert not path.exists()


def test_nobody_else_tries_before_the_first_was_accepted(path: Path) -> None:
    """Twenty servers at once: while one tries, none is inside; after its success all are, at the same time."""
    lockout = Lockout(path)
    inside: list[str] = []
    everybody = threading.Barrier(19)
    first_is_in, first_may_go = threading.Event(), threading.Event()

    def connect(number: int) -> None:
        with lockout.attempt("ops", "main", f"web{number}", CancelToken()) as attempt:
            inside.append(f"web{number}")
            if len(inside) == 1:
                first_is_in.set()
                first_may_go.wait(10)
            else:
                everybody.wait(10)
            attempt.accepted = True

    with ThreadPoolExecutor(20) as pool:
        tasks = [pool.submit(connect, number) for number in range(20)]
        first_is_in.wait(10)
        assert len(inside) == 1
        first_may_go.set()
        for task in tasks:
            task.result()
    assert len(inside) == 20


def test_200_servers_and_a_wrong_password(path: Path) -> None:
    lockout = Lockout(path)
    tried: list[str] = []

    def connect(number: int) -> bool:
        try:
            with lockout.attempt("ops", "main", f"web{number}", CancelToken()) as attempt:
                tried.append(f"web{number}")
                attempt.accepted = False
        except LogInRefused:
            return False
        return True

    with ThreadPoolExecutor(64) as pool:
        assert sum(pool.map(connect, range(200))) == 2
    assert len(tried) == 2


def test_an_exception_inside_frees_the_turn(path: Path) -> None:
    lockout = Lockout(path)
    with pytest.raises(RuntimeError), lockout.attempt("ops", "main", "web1", CancelToken()):
        raise RuntimeError
    use(lockout, "web2", True)


def test_stop_now_ends_the_waiting(path: Path) -> None:
    lockout = Lockout(path)
    cancel = CancelToken()
    with lockout.attempt("ops", "main", "web1", CancelToken()):
        cancel.stop_now()
        with pytest.raises(Cancelled), lockout.attempt("ops", "main", "web2", cancel):
            pytest.fail("it was let in")


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"refused_by": 3}', json.dumps({"refused_by": {"a": 1}})])
def test_a_file_that_is_not_ours_is_told(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(OnboardError, match="stopped accounts"):
        Lockout(path)
