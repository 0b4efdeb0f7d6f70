"""Writes the stand-in agent's packages: their content, and the .deb and .rpm formats.

They are small and reproducible, and need no packaging tools. Sources: deb(5), and the RPM 4 file format
as rpm.org documents it.
"""

import gzip
import hashlib
import io
import struct
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from onboard.practice.agent import AGENT_VERSION

NAME = "amazon-ssm-agent"
SUMMARY = "Practice stand-in for the AWS Systems Manager agent"
DESCRIPTION = "Speaks the agent's protocol to a practice cloud. Made by Onboard; no part of it comes from AWS."
MAKER = "Onboard practice <practice@onboard.invalid>"
MADE = 1767225600
"""The time of every file (2026-01-01), so that a version's package is always the same."""
DEB_ARCHITECTURES = {"amd64": "amd64", "arm64": "arm64"}
RPM_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}

UNIT = """\
[Unit]
Description=amazon-ssm-agent (practice stand-in)
After=network-online.target
Wants=network-online.target

[Service]
Type=simple
ExecStart=/usr/bin/amazon-ssm-agent
KillMode=process
Restart=always
RestartSec=90

[Install]
WantedBy=multi-user.target
"""
INIT_SCRIPT = """\
#!/bin/sh
### BEGIN INIT INFO
# Provides:          amazon-ssm-agent
# Required-Start:    $network $remote_fs
# Required-Stop:     $network $remote_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Practice stand-in for the AWS Systems Manager agent
### END INIT INFO
# For hosts without systemd; needs nothing but sh and setsid or nohup.

AGENT=/usr/bin/amazon-ssm-agent
PIDFILE=/var/run/amazon-ssm-agent.pid
LOG=/var/log/amazon/ssm/errors.log

running() {
    pid=$(cat "$PIDFILE" 2>/dev/null) && [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || return 1
    # A recycled process id is not the agent.
    [ ! -r "/proc/$pid/cmdline" ] || tr '\\0' ' ' <"/proc/$pid/cmdline" | grep -q "$AGENT"
}

start() {
    if running; then return 0; fi
    (umask 077 && mkdir -p /var/log/amazon/ssm)
    if command -v setsid >/dev/null 2>&1; then
        setsid "$AGENT" </dev/null >/dev/null 2>>"$LOG" &
    else
        nohup "$AGENT" </dev/null >/dev/null 2>>"$LOG" &
    fi
    echo $! >"$PIDFILE"
    sleep 1
    running
}

stop() {
    if running; then
        kill "$pid"
        for _ in 1 2 3 4 5 6 7 8 9 10; do
            kill -0 "$pid" 2>/dev/null || break
            sleep 1
        done
        kill -9 "$pid" 2>/dev/null
    fi
    rm -f "$PIDFILE"
    return 0
}

case "$1" in
    start) start ;;
    stop) stop ;;
    restart|force-reload) stop; start ;;
    status) if running; then echo "amazon-ssm-agent is running"; else echo "amazon-ssm-agent is stopped"; exit 3; fi ;;
    *) echo "Usage: $0 start|stop|restart|status" >&2; exit 2 ;;
esac
"""
TEMPLATE = """\
{
    "Profile": {"ShareCreds": true},
    "Mds": {"Endpoint": ""},
    "Ssm": {"Endpoint": ""},
    "Mgs": {"Endpoint": ""},
    "Agent": {"Region": ""},
    "Identity": {"ConsumptionOrder": ["OnPrem", "EC2"]}
}
"""
AFTER_INSTALL = """\
#!/bin/sh
# As AWS's package does it: the service starts at once, registered or not.
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    systemctl enable amazon-ssm-agent.service
    systemctl restart amazon-ssm-agent.service
fi
exit 0
"""
BEFORE_REMOVAL = """\
#!/bin/sh
# rpm says 1 when it upgrades, and by then the new version runs already.
[ "$1" != 1 ] || exit 0
if [ -d /run/systemd/system ]; then
    systemctl stop amazon-ssm-agent.service
    systemctl disable amazon-ssm-agent.service
elif [ -x /etc/init.d/amazon-ssm-agent ]; then
    /etc/init.d/amazon-ssm-agent stop
fi
exit 0
"""


@dataclass(frozen=True, slots=True)
class PackagedFile:
    """A file in a package, or a folder if it has no content."""

    path: str
    content: bytes | None
    mode: int


def agent_source(version: str) -> bytes:
    """The stand-in agent as a program that reports this version."""
    source = (Path(__file__).parent / "agent.py").read_text(encoding="utf-8")
    ours = f'AGENT_VERSION = "{AGENT_VERSION}"'
    return ("#!/usr/bin/python3\n" + source.replace(ours, f'AGENT_VERSION = "{version}"', 1)).encode()


def packaged_files(version: str) -> list[PackagedFile]:
    """The installed files, at the same paths as in AWS's package; folders before their content."""
    return [
        PackagedFile("/etc/amazon", None, 0o755),
        PackagedFile("/etc/amazon/ssm", None, 0o755),
        PackagedFile("/etc/amazon/ssm/amazon-ssm-agent.json.template", TEMPLATE.encode(), 0o644),
        PackagedFile("/etc/init.d/amazon-ssm-agent", INIT_SCRIPT.encode(), 0o755),
        PackagedFile("/lib/systemd/system/amazon-ssm-agent.service", UNIT.encode(), 0o644),
        PackagedFile("/usr/bin/amazon-ssm-agent", agent_source(version), 0o755),
        PackagedFile("/var/lib/amazon", None, 0o755),
        PackagedFile("/var/lib/amazon/ssm", None, 0o700),
        PackagedFile("/var/log/amazon", None, 0o755),
        PackagedFile("/var/log/amazon/ssm", None, 0o755),
    ]


def build_deb(version: str, architecture: str) -> bytes:
    """The .deb for `amd64` or `arm64`."""
    # The agent itself creates the folders for state and logs; only AWS's .rpm contains them.
    files = [item for item in packaged_files(version) if not item.path.startswith("/var/")]
    size = sum(len(item.content or b"") for item in files) // 1024 + 1
    control = (
        f"Package: {NAME}\nVersion: {version}-1\nArchitecture: {DEB_ARCHITECTURES[architecture]}\n"
        f"Maintainer: {MAKER}\nInstalled-Size: {size}\nDepends: python3\nSection: admin\nPriority: optional\n"
        f"Description: {SUMMARY}\n {DESCRIPTION}\n"
    )
    sums = "".join(
        f"{hashlib.md5(item.content, usedforsecurity=False).hexdigest()}  {item.path.lstrip('/')}\n"
        for item in files
        if item.content is not None
    )
    controls = [
        PackagedFile("/control", control.encode(), 0o644),
        PackagedFile("/md5sums", sums.encode(), 0o644),
        PackagedFile("/postinst", AFTER_INSTALL.encode(), 0o755),
        PackagedFile("/prerm", BEFORE_REMOVAL.encode(), 0o755),
    ]
    members = [
        ("debian-binary", b"2.0\n"),
        ("control.tar.gz", _tar(controls)),
        ("data.tar.gz", _tar(files)),
    ]
    return b"!<arch>\n" + b"".join(_ar_member(name, data) for name, data in members)


def build_rpm(version: str, architecture: str) -> bytes:
    """The .rpm for `amd64` or `arm64`."""
    files = packaged_files(version)
    cpio = _cpio(files)
    payload = gzip.compress(cpio, mtime=0)
    header = _rpm_header(version, RPM_ARCHITECTURES[architecture], files, payload)
    signature = _RpmHeader(region=62)
    signature.add_int32(1000, [len(header) + len(payload)])
    signature.add_int32(1007, [len(cpio)])
    signature.add_binary(1004, hashlib.md5(header + payload, usedforsecurity=False).digest())
    signature.add_string(269, hashlib.sha1(header, usedforsecurity=False).hexdigest())
    signature.add_string(273, hashlib.sha256(header).hexdigest())
    signed = signature.encode()
    lead = struct.pack(">4sBBHH66sHH16x", b"\xed\xab\xee\xdb", 3, 0, 0, 1, f"{NAME}-{version}-1".encode(), 1, 5)
    return lead + signed + b"\0" * (-len(signed) % 8) + header + payload


def _tar(files: Iterable[PackagedFile]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        made = {""}
        for item in files:
            for folder in _parents(item.path):
                if folder not in made:
                    made.add(folder)
                    archive.addfile(_tar_entry(PackagedFile(folder, None, 0o755)))
            made.add(item.path)
            archive.addfile(_tar_entry(item), io.BytesIO(item.content or b""))
    return gzip.compress(buffer.getvalue(), mtime=0)


def _tar_entry(item: PackagedFile) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(f".{item.path}")
    entry.mode, entry.mtime = item.mode, MADE
    entry.uname = entry.gname = "root"
    entry.type = tarfile.DIRTYPE if item.content is None else tarfile.REGTYPE
    entry.size = len(item.content or b"")
    return entry


def _parents(path: str) -> list[str]:
    parts = path.strip("/").split("/")[:-1]
    return ["/" + "/".join(parts[: count + 1]) for count in range(len(parts))]


def _ar_member(name: str, data: bytes) -> bytes:
    head = f"{name:<16}{MADE:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode()
    return head + data + b"\n" * (len(data) % 2)


def _cpio(files: list[PackagedFile]) -> bytes:
    """The payload of an rpm: a "new ASCII" cpio archive."""
    out = bytearray()
    for number, item in enumerate([*files, PackagedFile("TRAILER!!!", b"", 0)], 1):
        trailer = item.path == "TRAILER!!!"
        name = (item.path if trailer else f".{item.path}").encode() + b"\0"
        content = item.content or b""
        fields = [
            0 if trailer else number, 0 if trailer else _mode(item), 0, 0, 1, 0 if trailer else MADE,
            len(content), 0, 0, 0, 0, len(name), 0,
        ]  # fmt: skip
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name
        out += b"\0" * (-len(out) % 4) + content
        out += b"\0" * (-len(out) % 4)
    return bytes(out)


def _mode(item: PackagedFile) -> int:
    return item.mode | (0o040000 if item.content is None else 0o100000)


class _RpmHeader:
    """An rpm header: an index of tagged values, and the store that contains them."""

    def __init__(self, region: int) -> None:
        self._region = region
        self._entries: list[tuple[int, int, int, bytes]] = []

    def add_int16(self, tag: int, values: list[int]) -> None:
        self._entries.append((tag, 3, len(values), struct.pack(f">{len(values)}H", *values)))

    def add_int32(self, tag: int, values: list[int]) -> None:
        self._entries.append((tag, 4, len(values), struct.pack(f">{len(values)}I", *values)))

    def add_string(self, tag: int, value: str) -> None:
        self._entries.append((tag, 6, 1, value.encode() + b"\0"))

    def add_binary(self, tag: int, value: bytes) -> None:
        self._entries.append((tag, 7, len(value), value))

    def add_strings(self, tag: int, values: list[str]) -> None:
        self._entries.append((tag, 8, len(values), b"".join(value.encode() + b"\0" for value in values)))

    def add_translated(self, tag: int, value: str) -> None:
        self._entries.append((tag, 9, 1, value.encode() + b"\0"))

    def encode(self) -> bytes:
        """The header's bytes; its region covers every entry."""
        index, store = b"", b""
        for tag, kind, count, data in sorted(self._entries):
            store += b"\0" * (-len(store) % {3: 2, 4: 4}.get(kind, 1))
            index += struct.pack(">IIII", tag, kind, len(store), count)
            store += data
        entries = len(self._entries) + 1
        region = struct.pack(">IIII", self._region, 7, len(store), 16)
        store += struct.pack(">IIiI", self._region, 7, -16 * entries, 16)
        return b"\x8e\xad\xe8\x01" + b"\0" * 4 + struct.pack(">II", entries, len(store)) + region + index + store


def _rpm_header(version: str, architecture: str, files: list[PackagedFile], payload: bytes) -> bytes:
    header = _RpmHeader(region=63)
    header.add_strings(100, ["C"])
    header.add_string(1000, NAME)
    header.add_string(1001, version)
    header.add_string(1002, "1")
    header.add_translated(1004, SUMMARY)
    header.add_translated(1005, DESCRIPTION)
    header.add_int32(1006, [MADE])
    header.add_string(1007, "practice")
    header.add_int32(1009, [sum(len(item.content or b"") for item in files)])
    header.add_string(1011, "Onboard practice")
    header.add_string(1014, "Apache-2.0")
    header.add_string(1015, MAKER)
    header.add_translated(1016, "System Environment/Daemons")
    header.add_string(1021, "linux")
    header.add_string(1022, architecture)
    header.add_string(1024, AFTER_INSTALL)
    header.add_string(1025, BEFORE_REMOVAL)
    header.add_string(1044, f"{NAME}-{version}-1.src.rpm")
    header.add_string(1064, "4.18.0")
    header.add_string(1086, "/bin/sh")
    header.add_string(1087, "/bin/sh")
    header.add_strings(1047, [NAME])
    header.add_int32(1112, [8])
    header.add_strings(1113, [f"{version}-1"])
    _add_requirements(header)
    _add_files(header, files)
    header.add_string(1124, "cpio")
    header.add_string(1125, "gzip")
    header.add_string(1126, "9")
    header.add_strings(5092, [hashlib.sha256(payload).hexdigest()])
    header.add_int32(5093, [8])
    return header.encode()


def _add_requirements(header: _RpmHeader) -> None:
    """The features that rpm must support. Not python3: practice hosts have rpm without a package database."""
    needs = [("CompressedFileNames", "3.0.4-1"), ("FileDigests", "4.6.0-1"), ("PayloadFilesHavePrefix", "4.0-1")]
    header.add_strings(1049, [f"rpmlib({name})" for name, _ in needs])
    header.add_int32(1048, [0x100000A] * len(needs))
    header.add_strings(1050, [version for _, version in needs])


def _add_files(header: _RpmHeader, files: list[PackagedFile]) -> None:
    count = len(files)
    folders = sorted({_folder(item.path) for item in files})
    header.add_int32(1028, [len(item.content or b"") if item.content is not None else 4096 for item in files])
    header.add_int16(1030, [_mode(item) for item in files])
    header.add_int16(1033, [0] * count)
    header.add_int32(1034, [MADE] * count)
    header.add_strings(1035, ["" if f.content is None else hashlib.sha256(f.content).hexdigest() for f in files])
    header.add_strings(1036, [""] * count)
    header.add_int32(1037, [0] * count)
    header.add_strings(1039, ["root"] * count)
    header.add_strings(1040, ["root"] * count)
    header.add_int32(1045, [0xFFFFFFFF] * count)
    header.add_int32(1095, [1] * count)
    header.add_int32(1096, list(range(1, count + 1)))
    header.add_strings(1097, [""] * count)
    header.add_int32(1116, [folders.index(_folder(item.path)) for item in files])
    header.add_strings(1117, [item.path.rpartition("/")[2] for item in files])
    header.add_strings(1118, folders)
    header.add_int32(5011, [8])


def _folder(path: str) -> str:
    return path[: path.rindex("/") + 1]
