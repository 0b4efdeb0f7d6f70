"""The search for canaries finds them: else a test that finds none would prove nothing."""

import base64
import subprocess
import sys
import urllib.parse
from pathlib import Path

import pytest
from canaries import ProcessWatch, Search, new_password

SECRET = new_password()
FORMS = {
    "plain": SECRET.encode(),
    "shell": f"'{SECRET}'".encode(),
    "repr": repr(SECRET).encode(),
    "url": urllib.parse.quote(SECRET).encode(),
    "every byte in percent": "".join(f"%{byte:02X}" for byte in SECRET.encode()).encode(),
    "hex": SECRET.encode().hex().encode(),
    "utf-16-le": SECRET.encode("utf-16-le"),
    "utf-16-be": SECRET.encode("utf-16-be"),
    "powershell -EncodedCommand": base64.b64encode(f"echo {SECRET}".encode("utf-16-le")),
    **{f"base64, {n} before": base64.b64encode(b"x" * n + SECRET.encode() + b"tail") for n in range(6)},
    **{f"base64, {n} after": base64.urlsafe_b64encode(SECRET.encode() + b"x" * n) for n in range(4)},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_found_however_it_is_written(form: str) -> None:
    search = Search({"password": SECRET})
    search.look_at("here", b"before " + FORMS[form] + b" after")
    assert search.found
    other = Search({"password": new_password()})
    other.look_at("here", FORMS[form])
    assert other.found == []


def test_files_links_and_names_are_looked_at(tmp_path: Path) -> None:
    core = SECRET.split()[0]
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "file").write_bytes(SECRET.encode("utf-16-le"))
    (tmp_path / "inside" / core).write_text("")
    (tmp_path / "link").symlink_to(core)
    search = Search({"password": SECRET})
    search.look_below(tmp_path)
    assert len(search.found) == 3
    search = Search({"password": SECRET})
    search.look_below(tmp_path, skip=[tmp_path / "inside"])
    assert len(search.found) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux: /proc")
@pytest.mark.parametrize("how", ["argument", "environment"])
def test_a_process_is_seen(how: str) -> None:
    with ProcessWatch() as watch:
        command = [sys.executable, "-c", "import sys; sys.stdin.read()", *([SECRET] if how == "argument" else [])]
        environment = {"PASSWORD": SECRET} if how == "environment" else {}
        with subprocess.Popen(command, stdin=subprocess.PIPE, env=environment) as process:
            start = watch.rounds
            while watch.rounds < start + 2:
                pass
            assert process.stdin is not None
            process.stdin.close()
    search = Search({"password": SECRET})
    search.look_at_processes(watch)
    assert search.found
    allowed = Search({"password": SECRET})
    allowed.look_at_processes(watch, allowed=[SECRET.split()[0].encode()])
    assert allowed.found == []
