"""What every way of reaching a server keeps to. A subclass gives the fixtures; its kind of connection then runs it all.

`ConnectionContract` holds for any server, a practice one too; `ShellContract` needs one that really runs scripts.
"""

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onboard.hosts.connection import Capability, Connection
from onboard.model.cancel import Cancelled, CancelToken
from onboard.model.errors import ConnectionLost
from onboard.model.profile import Host
from onboard.model.secret import Secret

Connect = Callable[[CancelToken], Connection]


def needs(connection: Connection, capability: Capability) -> None:
    if capability not in connection.can:
        pytest.skip(f"this kind of connection has no {capability}")


class ConnectionContract:
    """Fixtures of a subclass: `target`, the server; `connect`, which opens a connection to it as an administrator."""

    script = "echo answer"  # one that the server knows
    output = b"answer\n"

    @pytest.fixture
    def cancel(self) -> CancelToken:
        return CancelToken()

    @pytest.fixture
    def connection(self, connect: Connect, cancel: CancelToken) -> Iterator[Connection]:
        connection = connect(cancel)
        yield connection
        connection.close()

    def test_it_says_which_server_it_is(self, connection: Connection, target: Host) -> None:
        assert connection.host == target

    def test_a_script_is_answered(self, connection: Connection) -> None:
        result = connection.run_script(self.script)
        assert (result.exit_code, result.stdout) == (0, self.output)

    def test_scripts_follow_one_another_on_one_connection(self, connection: Connection) -> None:
        assert {connection.run_script(self.script, privileged=number % 2 == 1).stdout for number in range(4)} == {
            self.output
        }

    def test_it_answers_between_scripts_and_not_when_closed(self, connection: Connection) -> None:
        assert connection.answers()
        assert connection.run_script(self.script).stdout == self.output
        assert connection.answers()
        connection.close()
        assert not connection.answers()

    def test_it_says_what_it_can_do(self, connection: Connection) -> None:
        assert connection.can <= set(Capability)

    def test_an_upload_says_where_it_is(self, connection: Connection, tmp_path: Path) -> None:
        needs(connection, Capability.UPLOAD)
        source = tmp_path / "package.deb"
        source.write_bytes(bytes(range(256)) * 1000)
        path = connection.upload(source, sha256=hashlib.sha256(source.read_bytes()).hexdigest())
        assert path.endswith("/package.deb")

    def test_an_upload_of_another_hash_is_refused(self, connection: Connection, tmp_path: Path) -> None:
        needs(connection, Capability.UPLOAD)
        source = tmp_path / "package.deb"
        source.write_bytes(b"tampered with")
        with pytest.raises(ConnectionLost, match="SHA-256"):
            connection.upload(source, sha256=hashlib.sha256(b"as it was").hexdigest())
        assert connection.run_script(self.script).stdout == self.output

    def test_nothing_starts_after_stop_now(self, connection: Connection, cancel: CancelToken) -> None:
        cancel.stop_now()
        with pytest.raises(Cancelled):
            connection.run_script(self.script)

    def test_closing_twice_does_no_harm(self, connection: Connection) -> None:
        connection.close()
        connection.close()


class ShellContract(ConnectionContract):
    def test_exit_code_and_both_outputs_are_the_scripts_own(self, connection: Connection) -> None:
        result = connection.run_script("printf out; printf err >&2; exit 42")
        assert (result.exit_code, result.stdout, result.stderr) == (42, b"out", b"err")

    def test_bytes_that_are_no_text_come_through(self, connection: Connection) -> None:
        assert connection.run_script(r"printf '\000\377\r\n'").stdout == b"\0\xff\r\n"

    def test_megabytes_come_through(self, connection: Connection) -> None:
        result = connection.run_script("head -c 5000000 /dev/zero; head -c 100000 /dev/zero >&2")
        assert (len(result.stdout), len(result.stderr)) == (5_000_000, 100_000)

    def test_privileged_is_root(self, connection: Connection) -> None:
        assert connection.run_script("id -u", privileged=True).stdout == b"0\n"

    @pytest.mark.parametrize("privileged", [False, True])
    def test_the_secret_line_is_the_scripts_input_and_nothing_else_sees_it(
        self, connection: Connection, privileged: bool
    ) -> None:
        script = 'IFS= read -r secret; printf "%s" "$secret"; { env; ps -eww -o args; cat "$0"; } >&2'
        result = connection.run_script(script, privileged=privileged, secret_line=Secret("cänary $x"))
        assert result.stdout == "cänary $x".encode()
        assert "cänary".encode() not in result.stderr

    def test_without_a_secret_the_input_is_empty(self, connection: Connection) -> None:
        assert connection.run_script("cat; echo end", privileged=True).stdout == b"end\n"

    def test_a_hanging_script_is_given_up(self, connection: Connection) -> None:
        start = time.monotonic()
        with pytest.raises(ConnectionLost, match="took too long"):
            connection.run_script("exec sleep 4 >/dev/null 2>&1", timeout=0.5)
        assert time.monotonic() - start < 3
        assert connection.run_script(self.script).stdout == self.output

    def test_stop_now_breaks_off_a_script(self, connection: Connection, cancel: CancelToken) -> None:
        stopped = []

        def stop() -> None:
            stopped.append(time.monotonic())
            cancel.stop_now()

        timer = threading.Timer(0.3, stop)
        timer.start()
        with pytest.raises(Cancelled):
            connection.run_script("exec sleep 4 >/dev/null 2>&1")
        took = time.monotonic() - stopped[0]
        timer.join()
        assert took < 0.5  # 0.1 when nothing else is running

    def test_an_upload_is_private_and_goes_when_the_connection_closes(
        self, connection: Connection, connect: Connect, tmp_path: Path
    ) -> None:
        source = tmp_path / "a file"
        source.write_bytes(b"content")
        path = connection.upload(source, sha256=hashlib.sha256(b"content").hexdigest())
        shown = connection.run_script(f'cat "{path}"; ls -ld "$(dirname "$(dirname "{path}")")"').stdout
        assert shown.startswith(b"contentdrwx------")
        connection.close()
        other = connect(CancelToken())
        assert other.run_script(f'test -e "$(dirname "$(dirname "{path}")")"').exit_code == 1
        other.close()

    def test_no_folder_is_left_behind(self, connection: Connection) -> None:
        folder = connection.run_script('echo "${0%/*}"').stdout.decode().strip()
        assert connection.run_script(f'test -e "{folder}"').exit_code == 1
