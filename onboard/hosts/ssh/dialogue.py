r"""How to speak to a POSIX server: what is sent over one exec channel, and what its answer means. No I/O in here.

The channel runs the fixed command line COMMAND, which every login shell (bash, dash, csh, fish) understands. All else
goes in by standard input, so that nothing shows in the server's process list and no login shell quotes anything.

The request, sent in one piece. Its first line holds everything that the server has to know::

    # onboard 1 MARKER privileged=yes prompt=PROMPT input=line hold=no pty=no
    …functions holding the script in a here-document that ends with a line MARKER…
    onboard_main; exit # MARKER complete

MARKER is random for each request. `privileged` is yes or no. `prompt` is what sudo's question for a password begins
with, or `-` when there is no password to give (sudo then runs with `-n`). `input` is `none`, `line` (a secret line
follows) or the number of bytes that follow (an upload). `hold=yes` keeps the folder until standard input ends. Nothing
is sent after the last line until the answer asks for it: shells read their standard input in blocks and would swallow
it.

The answer. Everything before `start` or `begin` is noise (banners, what rc files print)::

    standard error   noise  MARKER start⏎  sudo's messages, QUESTION   MARKER begin⏎  script's stderr  MARKER end CODE⏎
    standard output  noise                                             MARKER begin⏎  script's stdout  MARKER end CODE⏎

* QUESTION is `PROMPT` `WHOSE:` `WHO:`, the account whose password sudo wants, and the one that runs sudo. Where both
  are the same, send the password and a newline. A second question means that it was wrong; nothing more is sent.
  Another account's (`targetpw`, `rootpw`, `runaspw` in sudoers) is never answered with this one's password.
* What sudo says is looked at as it comes: where the password has expired, it waits for a new one.
* `begin` is printed by a process that already has the privilege. When `input` is not `none`, the input is sent now.
* `MARKER cannot REASON⏎` on standard output instead: `no-folder`, `no-sudo` or `not-root`.
* `end` without a `begin`: sudo refused; its messages say why, between `start` and `end`.
* Neither: the login shell did not run COMMAND (an account without a shell, a forced command).
* Lines with the marker in any other order: something between the script and here lost or changed them.

The script runs as `sh FOLDER/script` in the C locale, umask 022 (package managers and trust stores break under a
tighter one: scripts that write secrets set their own), working folder `/`, the sbin folders at the end of PATH, and
standard input from /dev/null unless it wants input. FOLDER is new, mode 0700, and gone before `end` is printed, except
with `hold=yes`: then it goes when the channel's input ends, also when the connection breaks. A script that is still
running when the connection breaks runs on, as long as it prints nothing: what must not be interrupted redirects its
output to a file.

More than ANSWER_LIMIT of answer, or NOISE_LIMIT of anything before it, is not what a script of Onboard prints.

Where sudo insists on a terminal (`requiretty`), the request with `pty=yes` is uploaded as a file and that file is run
in a pty. A pty has one stream, and the script's output comes at its end, kept apart by two more markers::

    noise  MARKER start⏎  messages, QUESTION  MARKER begin⏎  MARKER out⏎ stdout  MARKER err⏎ stderr  MARKER end CODE⏎

Servers for practice use `is_complete` and `parse_request` on what came in, and `Request.begin`, `end` and `cannot`.
"""

import re
import secrets
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Self

from onboard.hosts.connection import ScriptResult

COMMAND = "/bin/sh"
ANSWER_LIMIT = 8 * 1024 * 1024  # bytes; all facts of a server take some 100 KiB, one that floods is cut at 1 MiB
NOISE_LIMIT = 1024 * 1024  # bytes, of what stands before the answer
SAID_LINES = 5  # of what the server said last, kept as evidence

_TEMPLATE = """\
# onboard 1 {marker} privileged={privileged} prompt={prompt_field} input={input_field} hold={hold} pty={pty}
onboard_script() {{ cat <<'{marker}'
{script}{marker}
}}
onboard_run() {{ cat <<'{marker}'
LC_ALL=C; export LC_ALL
PATH="${{PATH:-/usr/bin:/bin}}:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
command -v mktemp >/dev/null 2>&1 || PATH="$PATH:/usr/bin:/bin"
umask 022; cd /
{check_root}echo '{marker} begin' >&2
echo '{marker} begin'
exec /bin/sh "${{0%/*}}/script"{redirect}
{marker}
}}
onboard_folder() {{
for base in "${{TMPDIR:-/tmp}}" /var/tmp /dev/shm "${{HOME:-/tmp}}"; do
folder=$(mktemp -d "$base/onboard.XXXXXXXXXX") || continue
onboard_script >"$folder/script" && onboard_run >"$folder/run" && return 0
rm -rf "$folder"
done
folder=
return 1
}}
onboard_main() {{
LC_ALL=C; export LC_ALL
PATH="${{PATH:-/usr/bin:/bin}}:/usr/local/sbin:/usr/sbin:/sbin"; export PATH
command -v mktemp >/dev/null 2>&1 || PATH="$PATH:/usr/bin:/bin"
umask 077; cd /
folder=
trap 'test -z "$folder" || rm -rf "$folder"' 0
trap 'exit 129' 1 2 3 13 15
{terminal}echo '{marker} start' >&2
onboard_folder || {{ echo '{marker} cannot no-folder'; return; }}
{start}
code=$?
{finish}
}}
onboard_main; exit # {marker} complete
"""

_PLAIN = '/bin/sh "$folder/run"'

_SUDO = """\
if [ "$(id -u)" = 0 ]; then /bin/sh "$folder/run"
elif command -v sudo >/dev/null 2>&1; then sudo {options} -u root -- /bin/sh "$folder/run"
else rm -rf "$folder"; folder=; echo '{marker} cannot no-sudo'; return
fi"""

# Shells drop root's rights where only the effective user id is root's, as with sudo's stay_setuid.
_CHECK_ROOT = """\
case "$(id -u)" in 0|'') ;; *) echo '{marker} cannot not-root'; exit 1 ;; esac
"""

_END = """\
echo '{marker} end '"$code" >&2
echo '{marker} end '"$code\""""
_REMOVE = 'rm -rf "$folder"; folder=\n'
_HOLD = "\ncat >/dev/null"
_PTY_OUTPUT = """\
echo '{marker} out'; cat "$folder/out"
echo '{marker} err'; cat "$folder/err"
"""

# A server without any of the three hash programs sends the file back instead: slow, but it needs nothing.
_UPLOAD = """\
# upload: {name} {size}
umask 077
folder="${{0%/*}}/upload"
mkdir "$folder" && cd "$folder" || exit 1
head -c {size} >'{name}' || exit 1
set -- $(wc -c <'{name}')
[ "$1" = {size} ] || {{ echo "only $1 of {size} bytes arrived" >&2; exit 1; }}
echo "$folder/{name}"
if command -v sha256sum >/dev/null 2>&1; then set -- $(sha256sum '{name}'); echo "sha256 $1"
elif command -v shasum >/dev/null 2>&1; then set -- $(shasum -a 256 '{name}'); echo "sha256 $1"
elif command -v openssl >/dev/null 2>&1; then set -- $(openssl dgst -sha256 -r '{name}'); echo "sha256 $1"
else echo content; cat '{name}'
fi
"""

_HEADER = re.compile(
    r"^# onboard 1 (?P<marker>\S+) privileged=(?P<privileged>yes|no) prompt=(?P<prompt>\S+) "
    r"input=(?P<input>none|line|\d+) hold=(?P<hold>yes|no) pty=(?P<pty>yes|no)\n"
)


@dataclass(frozen=True, slots=True)
class Request:
    """One script to run. `Request.new` makes its marker; `text` is what is sent; `parse_request` is its inverse.

    script       ends with a newline
    privileged   as root: as it is for root, else through sudo
    prompt       random text with which sudo's question for the password begins; "" when there is none to give
    wants_secret a secret line follows `begin`
    input_size   that many bytes follow `begin` (an upload); None when none do
    hold         keep the folder until the channel's input ends
    pty          made to be run as a file in a pty
    """

    script: str
    marker: str
    privileged: bool = False
    prompt: str = ""
    wants_secret: bool = False
    input_size: int | None = None
    hold: bool = False
    pty: bool = False

    @classmethod
    def new(
        cls,
        script: str,
        *,
        privileged: bool = False,
        has_password: bool = False,
        wants_secret: bool = False,
        pty: bool = False,
    ) -> Self:
        """A request with a new random marker. ValueError when the script holds a NUL byte, which no shell reads."""
        if "\0" in script:
            raise ValueError("a script cannot hold NUL bytes")
        return cls(
            script=script if script.endswith("\n") else script + "\n",
            marker=_random("onboard"),
            privileged=privileged,
            prompt=_random("password") + ":" if privileged and has_password else "",
            wants_secret=wants_secret,
            pty=pty,
        )

    @classmethod
    def upload(cls, name: str, size: int) -> Self:
        """A request that takes `size` bytes into a file `name` of a folder that is held. Answer: UploadAnswer."""
        safe = re.sub(r"[^A-Za-z0-9._+~-]", "_", name).lstrip("-") or "file"
        script = _UPLOAD.format(name=safe, size=size)
        return cls(script=script, marker=_random("onboard"), input_size=size, hold=True)

    @property
    def wants_input(self) -> bool:
        return self.wants_secret or self.input_size is not None

    def text(self) -> str:
        """What is sent."""
        redirect = "" if self.wants_input else " </dev/null"
        start = _PLAIN
        if self.privileged:
            options = f"-S -p '{self.prompt}%p:%u:'" if self.prompt else "-n"
            start = _SUDO.format(marker=self.marker, options=options)
        finish = _END.format(marker=self.marker)
        finish = finish + _HOLD if self.hold else _REMOVE + finish
        if self.pty:
            redirect += ' >"${0%/*}/out" 2>"${0%/*}/err"'
            start = ': >"$folder/out"; : >"$folder/err"\n' + start
            finish = _PTY_OUTPUT.format(marker=self.marker) + finish
        sized = "line" if self.wants_secret else "none"
        return _TEMPLATE.format(
            marker=self.marker,
            privileged=_yes(self.privileged),
            prompt_field=self.prompt or "-",
            input_field=sized if self.input_size is None else self.input_size,
            hold=_yes(self.hold),
            pty=_yes(self.pty),
            script=self.script,
            redirect=redirect,
            check_root=_CHECK_ROOT.format(marker=self.marker) if self.privileged else "",
            terminal="stty -echo -opost\n" if self.pty else "",
            start=start,
            finish=finish,
        )

    def begin(self) -> bytes:
        """For servers: goes to standard error and to standard output when the script begins."""
        return f"{self.marker} begin\n".encode()

    def end(self, exit_code: int) -> bytes:
        """For servers: goes to both when it has ended."""
        return f"{self.marker} end {exit_code}\n".encode()

    def start(self) -> bytes:
        """For servers: goes to standard error before sudo's messages."""
        return f"{self.marker} start\n".encode()

    def question(self, whose: str, who: str) -> bytes:
        """For servers: sudo's question to account `who` for the password of `whose`, on standard error."""
        return f"{self.prompt}{whose}:{who}:".encode()

    def cannot(self, reason: str) -> bytes:
        """For servers: goes to standard output instead of `begin`; no-folder, no-sudo or not-root."""
        return f"{self.marker} cannot {reason}\n".encode()


def is_complete(text: str) -> bool:
    """For servers: has the whole request arrived?"""
    header = _HEADER.match(text)
    return header is not None and text.endswith(f"\nonboard_main; exit # {header['marker']} complete\n")


def parse_request(text: str) -> Request:
    """For servers: the request that `text` is. ValueError if it is not a request."""
    header = _HEADER.match(text)
    if header is None or not is_complete(text):
        raise ValueError("not a complete request")
    marker, given = header["marker"], header["input"]
    _, _, after = text.partition(f"onboard_script() {{ cat <<'{marker}'\n")
    script, found, _ = after.partition(f"{marker}\n}}\n")
    if not found:
        raise ValueError("the request has no script")
    return Request(
        script=script,
        marker=marker,
        privileged=header["privileged"] == "yes",
        prompt="" if header["prompt"] == "-" else header["prompt"],
        wants_secret=given == "line",
        input_size=int(given) if given.isdigit() else None,
        hold=header["hold"] == "yes",
        pty=header["pty"] == "yes",
    )


@dataclass(frozen=True, slots=True)
class UploadAnswer:
    """What an upload's script prints: the file's path there, and its hash, or its content to be hashed here."""

    path: str
    sha256: str | None
    content: bytes | None = None

    def to_bytes(self) -> bytes:
        head = f"{self.path}\n".encode()
        if self.content is not None:
            return head + b"content\n" + self.content
        return head + f"sha256 {self.sha256}\n".encode()

    @classmethod
    def parse(cls, stdout: bytes) -> Self:
        """ValueError when it is not such an answer."""
        first, _, rest = stdout.partition(b"\n")
        kind, _, content = rest.partition(b"\n")
        path = first.decode(errors="replace")
        if not (path.startswith("/") and path.isprintable()) or path.encode() != first:
            raise ValueError("the server did not return where the file is")
        if kind == b"content":
            return cls(path, None, content)
        # GNU's programs put a backslash before the hash of a file whose name has one.
        found = re.fullmatch(rb"sha256 \\?([0-9a-f]{64})", kind)
        if found is None:
            raise ValueError("the server returned no hash")
        return cls(path, found[1].decode())


class Refusal(StrEnum):
    """Why a script did not run, or did not end."""

    NO_SHELL = "no-shell"  # the login shell did not run COMMAND
    NO_FOLDER = "no-folder"  # no folder could be made or written
    READ_ONLY = "read-only"  # as their file systems are read-only
    NO_SUDO = "no-sudo"  # not root, and no sudo
    NOT_ROOT = "not-root"  # sudo ran it, as another account
    NOT_IN_SUDOERS = "not-in-sudoers"
    NEEDS_TTY = "needs-tty"
    NEEDS_PASSWORD = "needs-password"  # noqa: S105 - a reason's name
    WRONG_PASSWORD = "wrong-password"  # noqa: S105
    PASSWORD_EXPIRED = "password-expired"  # noqa: S105
    OTHER_PASSWORD = "other-password"  # noqa: S105 - sudo wants another account's
    NO_EXEC = "no-exec"  # sudo lets the shell run, and the shell nothing
    SUDO_FAILED = "sudo-failed"  # for another reason
    NO_TTY = "no-tty"  # sudo wants a terminal, and sshd gives none
    MUST_CHANGE = "must-change"  # the account's password, before sshd lets it run anything
    TOO_MUCH = "too-much"  # more than an answer can have
    NOT_STARTED = "not-started"  # the log-in shell waits for something
    BROKEN_OFF = "broken-off"  # it began, but its shell ended first
    NOT_UNDERSTOOD = "not-understood"  # /bin/sh ran, and what came back is not what the request prints


class NotRun(Exception):
    """The script did not run (or, for BROKEN_OFF, did not end).

    detail  what the server said, in one line
    said    the last lines of it
    """

    def __init__(self, refusal: Refusal, detail: str = "", said: str = "") -> None:
        super().__init__(refusal, detail)
        self.refusal = refusal
        self.detail = detail
        self.said = said

    @classmethod
    def of(cls, refusal: Refusal, said: bytes) -> Self:
        """With the last lines of what the server said. The very last says why; those before are general advice."""
        lines = _last_lines(said)
        return cls(refusal, lines[-1] if lines else "", "\n".join(lines))


class Want(Enum):
    """What the dialogue wants next."""

    MORE = "more to read"
    PASSWORD = "the password"  # noqa: S105 - not a password
    INPUT = "the input"
    NOTHING = "nothing: it has ended"


class Dialogue:
    """The client's side of one request: `feed` what arrives, do what it wants, at the end ask for the `result`."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.began = False
        self._question = re.compile(re.escape(request.prompt.encode()) + rb"([^:\n]*):([^:\n]*):")
        self._stdout = _Stream(request.marker)
        self._stderr = self._stdout if request.pty else _Stream(request.marker)
        self._password_sent = False
        self._refused: Refusal | None = None
        self._input_sent = False
        self._ended = False

    def feed(self, stdout: bytes = b"", stderr: bytes = b"") -> Want:
        """Take what arrived; PASSWORD and INPUT are each wanted at most once."""
        self._stdout.data += stdout
        self._stderr.data += stderr
        self.began = self.began or self._stdout.find("begin") is not None
        if self._is_too_much():
            return self._refuse(Refusal.TOO_MUCH)
        if self._stdout.find("cannot") or (self._stdout.find_end() and self._stderr.find_end()):
            self._ended = True
        if self._ended:
            return Want.NOTHING
        if self.request.privileged and not self.began:
            if _EXPIRED.search(self._said_by_sudo()[-_LONGEST_QUESTION:]):
                return self._refuse(Refusal.PASSWORD_EXPIRED)
            asked = self._question.findall(self._stderr.data) if self.request.prompt else []
            if len(asked) > 1:
                return self._refuse(Refusal.WRONG_PASSWORD)
            if asked and asked[0][0] != asked[0][1]:
                return self._refuse(Refusal.OTHER_PASSWORD)
            if asked and not self._password_sent:
                self._password_sent = True
                return Want.PASSWORD
        if self.began and self.request.wants_input and not self._input_sent:
            self._input_sent = True
            return Want.INPUT
        return Want.MORE

    @property
    def started(self) -> bool:
        """Whether the log-in shell has started /bin/sh, which has read the request."""
        return self.began or self._stderr.find("start") is not None

    @property
    def most(self) -> int:
        """How many bytes the server may send in all."""
        return NOISE_LIMIT + ANSWER_LIMIT + (self.request.input_size or 0)

    def _is_too_much(self) -> bool:
        received = len(self._stdout.data) + (0 if self.request.pty else len(self._stderr.data))
        return received > (self.most if self.began else NOISE_LIMIT)

    def give_up_start(self) -> None:
        """Nothing shows that the log-in shell did anything with the request."""
        self._refuse(Refusal.NOT_STARTED)

    def _refuse(self, refusal: Refusal) -> Want:
        self._refused, self._ended = refusal, True
        return Want.NOTHING

    def end_of_stream(self) -> None:
        """The channel ended: `result` then uses what has arrived."""
        self._ended = True

    def result(self) -> ScriptResult:
        """The script's own exit code and output. Raises NotRun."""
        out_end, err_end = self._stdout.find_end(), self._stderr.find_end()
        began = self._stdout.find("begin") and self._stderr.find("begin")
        if began and out_end and err_end and self._refused is None:
            code = int(out_end.value)
            if self.request.pty:
                out, err = self._stdout.find("out"), self._stdout.find("err")
                if out is None or err is None:
                    raise NotRun(Refusal.BROKEN_OFF, "the script's output did not come back")
                data = self._stdout.data
                return ScriptResult(code, bytes(data[out.end : err.start]), bytes(data[err.end : out_end.start]))
            result = ScriptResult(code, self._stdout.between(out_end), self._stderr.between(err_end))
            if self.request.privileged and code == _NOT_EXECUTED and _NO_EXEC.search(result.stderr):
                raise NotRun.of(Refusal.NO_EXEC, result.stderr)
            return result
        raise self._not_run()

    def _not_run(self) -> NotRun:
        if self._refused is Refusal.TOO_MUCH:
            return NotRun.of(Refusal.TOO_MUCH, bytes(self._stdout.data[-_LONGEST_LINE:]))
        if self.began:
            return NotRun(Refusal.NOT_UNDERSTOOD if self._stdout.find_end() else Refusal.BROKEN_OFF)
        if self._refused is Refusal.OTHER_PASSWORD:
            whose = self._question.findall(self._stderr.data)[0][0]
            return NotRun(Refusal.OTHER_PASSWORD, whose.decode("utf-8", "replace"))
        if cannot := self._stdout.find("cannot"):
            said = self._said_by_sudo()
            reason = cannot.value.decode("ascii", "replace")
            return NotRun.of(Refusal(reason) if reason in _CANNOT else _no_folder(said), said)
        if self._is_damaged():
            return NotRun(Refusal.NOT_UNDERSTOOD)
        if not self.started:
            noise = bytes(self._stdout.data) + b"\n" + (b"" if self.request.pty else bytes(self._stderr.data))
            changes = _SSHD_CHANGES.search(noise)
            return NotRun.of(self._refused or (Refusal.MUST_CHANGE if changes else Refusal.NO_SHELL), noise)
        said = self._said_by_sudo()
        if self.request.prompt:
            said = self._question.sub(b"", said)
        return NotRun.of(self._refused or self._why(said), said)

    def _is_damaged(self) -> bool:
        """Whether what came back is not what a request prints whose script did not begin."""
        if self._refused not in (None, Refusal.NOT_STARTED):
            return False
        if not self.started:  # a forced command that prints the request prints the marker too, never as such a line
            return self._stdout.has_marker_line() or self._stderr.has_marker_line()
        if not self.request.privileged or self.request.marker.encode() in self._said_by_sudo():
            return True
        end = self._stdout.find_end()
        return end is not None and int(end.value) == 0  # sudo that refuses does not succeed

    def _said_by_sudo(self) -> bytes:
        """What stands between `start` and `end` on standard error, without the script's own outputs in a pty."""
        start = self._stderr.find("start")
        end = (self._stdout.find("out") if self.request.pty else None) or self._stderr.find_end()
        return bytes(self._stderr.data[start.end if start else 0 : end.start if end else None])

    def _why(self, said: bytes) -> Refusal:
        for refusal, words in _SUDO_SAYS:
            if words.search(said):
                return refusal
        return Refusal.SUDO_FAILED


_CANNOT = (Refusal.NO_SUDO, Refusal.NOT_ROOT)  # what `cannot` says; no-folder has several causes


def _no_folder(said: bytes) -> Refusal:
    """Why no folder could be made, by what mktemp and the shell print in the C locale about each place."""
    is_read_only = b"Read-only file system" in said and b"No space left" not in said
    return Refusal.READ_ONLY if is_read_only else Refusal.NO_FOLDER


# What sudo (1.7 to 1.9) and sudo-rs print in the C locale. Order matters: a wrong password ends with
# "1 incorrect password attempt" after a "no password was provided".
_SUDO_SAYS = (
    (Refusal.NEEDS_TTY, re.compile(rb"must have a tty")),
    (Refusal.WRONG_PASSWORD, re.compile(rb"incorrect password attempt|incorrect authentication attempt")),
    (Refusal.PASSWORD_EXPIRED, re.compile(rb"password (?:is|has) expired|account validation failure")),
    (
        Refusal.NOT_IN_SUDOERS,
        re.compile(rb"not in the sudoers|not allowed to (?:execute|run)|may not run sudo|can't do that"),
    ),
    (
        Refusal.NEEDS_PASSWORD,
        re.compile(
            rb"password is required|no password was provided|no tty present|terminal is required"
            rb"|interactive authentication is required|authentication required"
        ),
    ),
)


# Where the password has expired, PAM has sudo ask for it and for a new one: it waits for standard input.
_EXPIRED = re.compile(
    rb"sudo: [^\n]*password (?:is|has) expired|^[^\n]{0,40}\b(?:current|new)\b[^\n]{0,20} password: ?\Z",
    re.IGNORECASE | re.MULTILINE,
)
_LONGEST_QUESTION = 4096  # bytes of what sudo said last that are searched for it
_SSHD_CHANGES = re.compile(rb"[Pp]assword has expired|Password change required")

# What the shell says when sudo's noexec keeps it from executing the script's shell.
_NO_EXEC = re.compile(rb"\A[^\n]*/run: [^\n]*/bin/sh: [^\n]*\n?\Z")
_NOT_EXECUTED = 126

# What may follow the marker in its line. A pty may end lines with CR LF.
_REST = {
    "start": re.compile(rb" start()\r?\n"),
    "begin": re.compile(rb" begin()\r?\n"),
    "cannot": re.compile(rb" cannot (\S+)\r?\n"),
    "out": re.compile(rb" out()\r?\n"),
    "err": re.compile(rb" err()\r?\n"),
    "end": re.compile(rb" end (\d{1,3})\r?\n"),
}
_LONGEST_REST = 64
_LIKE_MARKER = re.compile("onboard-[0-9a-f]{16}")  # a damaged one too: nothing for people
_LONGEST_LINE = 300


@dataclass(frozen=True, slots=True)
class _MarkerLine:
    """Where it is, and the value that it carries: the reason of `cannot`, the code of `end`."""

    start: int
    end: int
    value: bytes


class _Stream:
    """What arrived on one stream, searched for marker lines."""

    def __init__(self, marker: str) -> None:
        self.data = bytearray()
        self._marker = (
            marker.encode()
        )  # looked for as bytes: to compile a pattern for each marker costs more than all else
        self._found: dict[str, _MarkerLine] = {}
        self._searched: dict[str, int] = {}

    def find(self, word: str) -> _MarkerLine | None:
        """The first line `MARKER word…`. Each search goes on where the last one ended, less one line's length."""
        if word not in self._found:
            start = max(0, self._searched.get(word, 0) - len(self._marker) - _LONGEST_REST)
            self._searched[word] = len(self.data)
            while (at := self.data.find(self._marker, start)) >= 0:
                start = at + len(self._marker)
                if rest := _REST[word].match(self.data, start):
                    self._found[word] = _MarkerLine(at, rest.end(), bytes(rest[1]))
                    break
        return self._found.get(word)

    def find_end(self) -> _MarkerLine | None:
        return self.find("end")

    def has_marker_line(self) -> bool:
        """Whether a line begins with the marker and a word, whichever word it is."""
        return self.data.startswith(self._marker + b" ") or b"\n" + self._marker + b" " in self.data

    def between(self, end: _MarkerLine) -> bytes:
        begin = self.find("begin")
        return bytes(self.data[begin.end if begin else 0 : end.start])


def _random(word: str) -> str:
    return f"{word}-{secrets.token_hex(16)}"


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _last_lines(said: bytes) -> list[str]:
    """The last few lines with something on them, each cut to what fits a message."""
    lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines() if line.strip()]
    lines = [line for line in lines if _LIKE_MARKER.search(line) is None]
    return [line[:_LONGEST_LINE] for line in lines[-SAID_LINES:]]
