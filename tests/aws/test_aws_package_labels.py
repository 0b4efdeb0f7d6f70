"""What packages say of themselves, beside what dpkg and rpm read."""

import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onboard.aws.package_labels import Label, read_label
from onboard.model.errors import OnboardError

VERSION = "3.3.4851.0"
SPEC = """\
Name: amazon-ssm-agent
Version: 3.3.4851.0
Release: 1
Summary: x
License: x
%description
x
%files
"""


@cache
def stand_in(kind: str, arch: str) -> bytes:
    packages = pytest.importorskip("onboard.practice.packages", reason="needs the extra: practice")
    build = packages.build_deb if kind == "deb" else packages.build_rpm
    built: bytes = build(VERSION, arch)
    return built


@pytest.mark.parametrize("kind", ["deb", "rpm"])
@pytest.mark.parametrize("arch", ["amd64", "arm64"])
def test_the_stand_ins(tmp_path: Path, kind: str, arch: str) -> None:
    path = tmp_path / "package"
    path.write_bytes(stand_in(kind, arch))
    assert read_label(path) == Label(kind, "amazon-ssm-agent", VERSION, arch)


@pytest.mark.parametrize("compression", ["none", "gzip", "xz"])
def test_what_dpkg_built(tmp_path: Path, compression: str) -> None:
    if shutil.which("dpkg-deb") is None:
        pytest.skip("needs dpkg: dpkg-deb")
    control = tmp_path / "tree" / "DEBIAN" / "control"
    control.parent.mkdir(parents=True)
    control.write_text(
        "Package: amazon-ssm-agent\nVersion: 1:3.3.4851.0-1\nArchitecture: arm64\nMaintainer: x <x@example.com>\n"
        "Description: x\n Version: 9.9.9.9\n"
    )
    package = tmp_path / "x.deb"
    command = ["dpkg-deb", f"-Z{compression}", "--uniform-compression", "-b", str(tmp_path / "tree"), str(package)]
    subprocess.run(command, check=True, capture_output=True)
    assert read_label(package) == Label("deb", "amazon-ssm-agent", VERSION, "arm64")


def test_what_rpmbuild_built(tmp_path: Path) -> None:
    if shutil.which("rpmbuild") is None:
        pytest.skip("needs rpm: rpmbuild")
    spec = tmp_path / "x.spec"
    spec.write_text(SPEC)
    define = ["--define", f"_topdir {tmp_path}", "--target", "aarch64", "--define", f"_dbpath {tmp_path}/db"]
    subprocess.run(["rpmbuild", "-bb", *define, str(spec)], check=True, capture_output=True, timeout=60)
    (package,) = tmp_path.glob("RPMS/*/*.rpm")
    assert read_label(package) == Label("rpm", "amazon-ssm-agent", VERSION, "arm64")


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=400),
    st.sampled_from([b"", b"!<arch>\n", b"\xed\xab\xee\xdb" + b"\0" * 92 + b"\x8e\xad\xe8\x01"]),
)
def test_noise_is_refused(tmp_path: Path, noise: bytes, start: bytes) -> None:
    path = tmp_path / "noise"
    path.write_bytes(start + noise)
    with pytest.raises(OnboardError):
        read_label(path)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(["deb", "rpm"]), st.integers(0, 3000), st.binary(min_size=1, max_size=8))
def test_a_damaged_package_never_makes_anything_but_a_refusal(tmp_path: Path, kind: str, at: int, new: bytes) -> None:
    whole = stand_in(kind, "amd64")
    path = tmp_path / "damaged"
    for content in (whole[:at] + new + whole[at + len(new) :], whole[:at]):
        path.write_bytes(content)
        try:
            read_label(path)
        except OnboardError:
            continue
