"""The wrapper, run by real shells on this computer, and the reading of what comes back."""

import hashlib
import os
import selectors
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onboard.hosts.ssh.dialogue import (
    Dialogue,
    NotRun,
    Refusal,
    Request,
    UploadAnswer,
    Want,
    is_complete,
    parse_request,
)

SHELLS = [[name, *options] for name, *options in (["sh"], ["dash"], ["bash"], ["ksh"], ["busybox", "sh"])]


@pytest.fixture(params=SHELLS, ids=" ".join)
def shell(request: pytest.FixtureRequest) -> list[str]:
    command: list[str] = request.param
    if shutil.which(command[0]) is None:
        pytest.skip(f"needs the shell {command[0]}")
    return command


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the wrapper makes its folders, to see what it leaves."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def give(pipe: int, data: bytes) -> None:
    """What a shell that has ended does not read any more is lost, as on a connection."""
    with suppress(BrokenPipeError):
        while data:
            data = data[os.write(pipe, data) :]


def converse(
    dialogue: Dialogue, shell: list[str], *, password: bytes = b"", given_input: bytes = b"", before: str = ""
) -> Dialogue:
    """Run the request in a shell on this computer; `before` stands for what rc files print."""
    script = f"{before}\nexec {' '.join(shell)}"
    with subprocess.Popen(
        ["/bin/sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        give(process.stdin.fileno(), dialogue.request.text().encode())
        with selectors.DefaultSelector() as selector:
            selector.register(process.stdout, selectors.EVENT_READ, "stdout")
            selector.register(process.stderr, selectors.EVENT_READ, "stderr")
            want = Want.MORE
            while selector.get_map() and want is not Want.NOTHING:
                for key, _ in selector.select():
                    data = os.read(key.fd, 65536)
                    if not data:
                        selector.unregister(key.fileobj)
                    want = dialogue.feed(**{key.data: data})
                    if want is Want.PASSWORD:
                        give(process.stdin.fileno(), password + b"\n")
                    if want is Want.INPUT:
                        give(process.stdin.fileno(), given_input)
            if want is not Want.NOTHING:
                dialogue.end_of_stream()
    return dialogue


def test_output_and_exit_code_are_exactly_the_scripts(shell: list[str], folders: Path) -> None:
    request = Request.new("printf 'no newline'; echo to stderr >&2; exit 7", privileged=os.getuid() == 0)
    result = converse(Dialogue(request), shell).result()
    assert (result.exit_code, result.stdout, result.stderr) == (7, b"no newline", b"to stderr\n")
    assert list(folders.iterdir()) == []


def test_noise_of_rc_files_is_dropped(shell: list[str], folders: Path) -> None:
    noise = "echo Welcome; printf 'no newline here'; echo warning >&2"
    result = converse(Dialogue(Request.new("echo answer")), shell, before=noise).result()
    assert (result.stdout, result.stderr) == (b"answer\n", b"")


def test_the_script_lies_in_a_folder_of_this_account_alone(shell: list[str], folders: Path) -> None:
    result = converse(Dialogue(Request.new('ls -ld "${0%/*}"; umask; pwd; echo $LC_ALL; cat')), shell).result()
    listing, umask, working_folder, locale, *rest = result.stdout.decode().splitlines()
    assert listing.startswith("drwx------")
    assert (int(umask, 8), working_folder, locale, rest) == (0o022, "/", "C", [])


def test_a_script_with_every_kind_of_quote_arrives_as_it_is(shell: list[str], folders: Path) -> None:
    script = "cat <<'EOF'\n$HOME `id` \\ \" ' %s é ! #\nEOF\n"
    result = converse(Dialogue(Request.new(script)), shell).result()
    assert result.stdout.decode() == "$HOME `id` \\ \" ' %s é ! #\n"


def test_a_script_larger_than_any_pipe_arrives_whole(shell: list[str], folders: Path) -> None:
    script = "".join(f"# {number:0100}\n" for number in range(4000)) + 'wc -c <"$0"'
    result = converse(Dialogue(Request.new(script)), shell).result()
    assert int(result.stdout) == len(script) + 1


def test_a_syntax_error_is_the_scripts_own(shell: list[str], folders: Path) -> None:
    result = converse(Dialogue(Request.new("if ( then")), shell).result()
    assert result.exit_code != 0
    assert b"yntax error" in result.stderr


def test_the_secret_line_is_read_by_the_script_and_is_nowhere_else(shell: list[str], folders: Path) -> None:
    script = 'IFS= read -r secret; printf %s "$secret"; cat "${0%/*}"/* >&2; env >&2; ps -ef >&2'
    dialogue = Dialogue(Request.new(script, wants_secret=True))
    result = converse(dialogue, shell, given_input=b"  canary \\ 'x'  \n").result()
    assert result.stdout == b"  canary \\ 'x'  "
    assert b"canary" not in result.stderr
    assert "canary" not in dialogue.request.text()


def test_an_upload_is_hashed_there_and_held_until_the_input_ends(shell: list[str], folders: Path) -> None:
    content = bytes(range(256)) * 300
    dialogue = converse(Dialogue(Request.upload("agent x.deb", len(content))), shell, given_input=content)
    answer = UploadAnswer.parse(dialogue.result().stdout)
    assert answer.sha256 == hashlib.sha256(content).hexdigest()
    assert Path(answer.path).name == "agent_x.deb"
    assert list(folders.iterdir()) == []  # converse() has closed the input by now


def test_a_host_without_hash_programs_sends_the_file_back(
    folders: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = tmp_path_factory.mktemp("bin")
    for name in ("cat", "mktemp", "mkdir", "rm", "head", "wc", "id"):
        (programs / name).symlink_to(str(shutil.which(name)))
    monkeypatch.setenv("PATH", str(programs))
    script = Request.upload("a", 3).script
    assert "sha256sum" in script
    # The wrapper adds the sbin folders, where distributions with a merged /usr keep nothing of the three either.
    answer = UploadAnswer.parse(
        converse(Dialogue(Request.upload("a", 3)), ["/bin/sh"], given_input=b"\0a\n").result().stdout
    )
    assert (answer.sha256, answer.content) == (None, b"\0a\n")


def test_a_full_disk_is_told(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request.new("echo never")
    broken = request.text().replace("mktemp -d", "false")
    monkeypatch.setattr(Request, "text", lambda self: broken)
    with pytest.raises(NotRun) as caught:
        converse(Dialogue(request), ["/bin/sh"]).result()
    assert caught.value.refusal is Refusal.NO_FOLDER


def test_an_account_without_a_shell_is_told() -> None:
    with pytest.raises(NotRun, match="currently not available") as caught:
        converse(Dialogue(Request.new("echo never")), ["echo This account is currently not available."]).result()
    assert caught.value.refusal is Refusal.NO_SHELL


def test_a_shell_that_goes_away_in_the_middle_is_told(folders: Path) -> None:
    with pytest.raises(NotRun) as caught:
        converse(Dialogue(Request.new("kill -9 $PPID; exit")), ["/bin/sh"]).result()
    assert caught.value.refusal is Refusal.BROKEN_OFF


# What sudo does is told by these; tests/hosts/ssh/test_ssh.py asks the real one.


def sudo_dialogue(has_password: bool = True, wants_secret: bool = False) -> Dialogue:
    return Dialogue(Request.new("id", privileged=True, has_password=has_password, wants_secret=wants_secret))


def test_the_password_is_wanted_once_and_the_input_only_after_begin() -> None:
    dialogue = sudo_dialogue(wants_secret=True)
    request = dialogue.request
    prompt = request.question("op", "op")
    assert dialogue.feed(stderr=b"noise password: \n" + request.start()) is Want.MORE
    assert dialogue.feed(stderr=prompt[:20]) is Want.MORE
    assert dialogue.feed(stderr=prompt[20:]) is Want.PASSWORD
    assert dialogue.feed() is Want.MORE
    assert dialogue.feed(stderr=request.begin()) is Want.MORE
    assert dialogue.feed(stdout=request.begin()) is Want.INPUT
    assert dialogue.feed(stdout=b"0\n") is Want.MORE
    assert dialogue.feed(stdout=request.end(0)) is Want.MORE
    assert dialogue.feed(stderr=request.end(0)) is Want.NOTHING
    assert dialogue.result().stdout == b"0\n"


def test_a_second_prompt_ends_the_dialogue() -> None:
    dialogue = sudo_dialogue()
    prompt = dialogue.request.question("op", "op")
    assert dialogue.feed(stderr=dialogue.request.start() + prompt) is Want.PASSWORD
    assert dialogue.feed(stderr=b"\nSorry, try again.\n" + prompt) is Want.NOTHING
    with pytest.raises(NotRun) as caught:
        dialogue.result()
    assert caught.value.refusal is Refusal.WRONG_PASSWORD


@pytest.mark.parametrize(
    ("said", "refusal"),
    [
        ("sudo: sorry, you must have a tty to run sudo", Refusal.NEEDS_TTY),
        ("sudo: a password is required", Refusal.NEEDS_PASSWORD),
        ("sudo: interactive authentication is required", Refusal.NEEDS_PASSWORD),
        ("op is not in the sudoers file.  This incident will be reported.", Refusal.NOT_IN_SUDOERS),
        ("Sorry, user op is not allowed to execute '/bin/sh /tmp/x' as root on h.", Refusal.NOT_IN_SUDOERS),
        ("Sorry, user op may not run sudo on h.", Refusal.NOT_IN_SUDOERS),
        ("sudo: I'm sorry op. I'm afraid I can't do that", Refusal.NOT_IN_SUDOERS),
        ("sudo: no password was provided\nsudo: 1 incorrect password attempt", Refusal.WRONG_PASSWORD),
        ("sudo: Account or password is expired, reset your password and try again", Refusal.PASSWORD_EXPIRED),
        ("sudo: /etc/sudo.conf is owned by uid 7, should be 0", Refusal.SUDO_FAILED),
    ],
)
def test_why_sudo_refused(said: str, refusal: Refusal) -> None:
    dialogue = sudo_dialogue(has_password=False)
    request = dialogue.request
    lecture = b"We trust you have received the usual lecture.\n"
    dialogue.feed(stderr=request.start() + lecture + said.encode() + b"\n" + request.end(1), stdout=request.end(1))
    with pytest.raises(NotRun) as caught:
        dialogue.result()
    assert caught.value.refusal is refusal
    assert caught.value.detail == said.splitlines()[-1]


def damaged(out: bytes, err: bytes, *, privileged: bool = True, pty: bool = False) -> NotRun:
    """What becomes of an answer; M stands for the marker."""
    dialogue = Dialogue(Request.new("id", privileged=privileged, pty=pty))
    marker = dialogue.request.marker.encode()
    dialogue.feed(out.replace(b"M", marker), err.replace(b"M", marker))
    dialogue.end_of_stream()
    with pytest.raises(NotRun) as caught:
        dialogue.result()
    assert marker[:20].decode() not in f"{caught.value.detail} {caught.value.said}"
    return caught.value


@pytest.mark.parametrize(
    ("out", "err"),
    [
        (b"M be\0gin\n0\nM end 0\n", b"M start\nM begin\nM end 0\n"),
        (b"M be\0gin\n0\n", b"M start\nM begin\n"),
        (b"M end 0\n", b"M start\nM end 0\n"),
        (b"M begin\n0\nM end 0\n", b"M start\nM end 0\n"),
        (b"M begin\n0\nM end 0\n", b"M start\nM begin\n"),
        (b"M be\0gin\n0\nM end 0\n", b"M st\0art\nM begin\nM end 0\n"),
        (b"", b"M st\0art\n"),
    ],
)
def test_a_damaged_answer_is_no_fault_of_sudo_or_the_shell(out: bytes, err: bytes) -> None:
    assert damaged(out, err).refusal is Refusal.NOT_UNDERSTOOD
    assert damaged(out, err, privileged=False).refusal is Refusal.NOT_UNDERSTOOD


def test_sudo_is_not_blamed_where_it_is_not_used() -> None:
    assert damaged(b"", b"M start\nnoise\n", privileged=False).refusal is Refusal.NOT_UNDERSTOOD
    assert damaged(b"", b"M start\nsudo: it crashed\n").refusal is Refusal.SUDO_FAILED


def test_what_sudo_says_in_a_pty_ends_where_the_scripts_output_would_be() -> None:
    answer = b"M start\r\nsudo: a password is required\r\nM out\r\nM err\r\nM end 1\r\nM end 1\r\n"
    refused = damaged(answer, b"", pty=True)
    assert (refused.refusal, refused.said) == (Refusal.NEEDS_PASSWORD, "sudo: a password is required")


def test_no_marker_is_shown_even_of_a_request_that_comes_back() -> None:
    echoed = Request.new("id").text().encode()  # as a forced command prints it that is `cat`
    assert damaged(echoed, b"no shell here\n").refusal is Refusal.NO_SHELL
    assert damaged(b"", b"M start\nsudo: odd\nMx broken\nM end 1\n").refusal is Refusal.NOT_UNDERSTOOD


def test_no_sudo_is_told(folders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request.new("id", privileged=True)
    edited = request.text().replace('"$(id -u)" = 0', '"$(id -u)" = none').replace("command -v sudo", "command -v no")
    monkeypatch.setattr(Request, "text", lambda self: edited)
    with pytest.raises(NotRun) as caught:
        converse(Dialogue(request), ["/bin/sh"]).result()
    assert caught.value.refusal is Refusal.NO_SUDO
    assert list(folders.iterdir()) == []


@given(stdout=st.binary(max_size=300), stderr=st.binary(max_size=300), code=st.integers(0, 255), size=st.integers(1))
def test_any_bytes_come_through_in_pieces_of_any_size(stdout: bytes, stderr: bytes, code: int, size: int) -> None:
    dialogue = Dialogue(Request.new("x"))
    request = dialogue.request
    wire = {
        "stdout": b"noise" + request.begin() + stdout + request.end(code),
        "stderr": b"noise" + request.start() + request.begin() + stderr + request.end(code),
    }
    wants = [
        dialogue.feed(**{stream: data[at : at + size]})
        for stream, data in wire.items()
        for at in range(0, len(data), size)
    ]
    assert wants[-1] is Want.NOTHING
    assert Want.NOTHING not in wants[:-1]
    result = dialogue.result()
    assert (result.exit_code, result.stdout, result.stderr) == (code, stdout, stderr)


@given(
    script=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
    privileged=st.booleans(), has_password=st.booleans(), wants_secret=st.booleans(), pty=st.booleans(),
)  # fmt: skip
def test_parse_request_is_the_inverse_of_text(
    script: str, privileged: bool, has_password: bool, wants_secret: bool, pty: bool
) -> None:
    request = Request.new(script, privileged=privileged, has_password=has_password, wants_secret=wants_secret, pty=pty)
    text = request.text()
    assert parse_request(text) == request
    assert not any(is_complete(text[:-cut]) for cut in (1, 2, 40))


def test_an_upload_request_is_parsed_back() -> None:
    request = Request.upload("amazon-ssm-agent.deb", 12345)
    assert parse_request(request.text()) == request
    assert request.script.startswith("# upload: amazon-ssm-agent.deb 12345\n")


@pytest.mark.parametrize("answer", [UploadAnswer("/tmp/x/f", "ab" * 32), UploadAnswer("/tmp/x/f", None, b"\n\0")])
def test_upload_answers_are_parsed_back(answer: UploadAnswer) -> None:
    assert UploadAnswer.parse(answer.to_bytes()) == answer


@pytest.mark.parametrize("path", [b"", b"tmp/f", b"/tmp/\0f", b"/tmp/\x1b[2Jf", b"/tmp/\xff", b"/tmp/f\r"])
def test_a_path_that_no_server_has_is_refused(path: bytes) -> None:
    for rest in (b"sha256 " + b"ab" * 32, b"content\nfile"):
        with pytest.raises(ValueError, match="where the file is"):
            UploadAnswer.parse(path + b"\n" + rest)


@pytest.mark.parametrize("text", ["", "ls\n", "# onboard 1 m privileged=maybe\n"])
def test_what_is_no_request_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="request"):
        parse_request(text)


def test_a_script_with_a_nul_byte_is_refused() -> None:
    with pytest.raises(ValueError, match="NUL"):
        Request.new("a\0b")
