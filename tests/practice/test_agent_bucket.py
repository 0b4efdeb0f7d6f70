"""AWS's bucket of agent packages, as downloaders see it."""

import http.client

import pytest
from practice_bench import Practice

from onboard.practice.packages import build_deb, build_rpm

LATEST = "/amazon-ssm-eu-central-1/latest"
DEB = f"{LATEST}/debian_amd64/amazon-ssm-agent.deb"


def test_it_has_versions_packages_and_signatures_for_every_region(practice: Practice) -> None:
    for region in ("eu-central-1", "us-gov-west-1", "ap-southeast-7"):
        root = f"/amazon-ssm-{region}"
        for folder in ("latest", "stable", "3.3.4851.0"):
            assert practice.request("GET", f"{root}/{folder}/VERSION").body == b"3.3.4851.0"
    expected = {
        "debian_amd64/amazon-ssm-agent.deb": build_deb("3.3.4793.0", "amd64"),
        "debian_arm64/amazon-ssm-agent.deb": build_deb("3.3.4793.0", "arm64"),
        "linux_amd64/amazon-ssm-agent.rpm": build_rpm("3.3.4793.0", "amd64"),
        "linux_arm64/amazon-ssm-agent.rpm": build_rpm("3.3.4793.0", "arm64"),
    }
    for name, content in expected.items():
        path = f"/amazon-ssm-us-east-1/3.3.4793.0/{name}"
        assert practice.request("GET", path).body == content
        signature = practice.request("GET", f"{path}.sig").body
        assert signature[0] & 0b10111100 == 0b10001000  # an OpenPGP signature packet
        assert practice.request("GET", f"{path}.sig").body == signature


def test_its_signatures_are_by_the_key_the_practice_shows(practice: Practice) -> None:
    sequoia = pytest.importorskip("pysequoia", reason="needs pysequoia")
    shown = practice.request("GET", "/practice/signing-key.asc")
    assert shown.body.decode() == practice.cloud.signing_key
    certificate = sequoia.Cert.from_bytes(shown.body)
    assert "Onboard practice" in str(certificate.user_ids[0])
    package = practice.request("GET", DEB).body
    signature = sequoia.Sig.from_bytes(practice.request("GET", f"{DEB}.sig").body)
    checked = sequoia.verify(bytes=package, store=lambda _: [certificate], signature=signature)
    assert len(checked.valid_sigs) == 1


@pytest.mark.parametrize(
    "path",
    [
        f"{LATEST}/windows_amd64/AmazonSSMAgentSetup.exe",
        f"{LATEST}/VERSION.sig",
        f"{LATEST}/nothing.sig",
        "/amazon-ssm-eu-central-1/3.0.0.0/VERSION",
    ],
)
def test_what_it_has_not_is_denied_as_by_s3(practice: Practice, path: str) -> None:
    answer = practice.request("GET", path)
    assert answer.status == 403
    assert b"<Code>AccessDenied</Code>" in answer.body
    assert practice.cloud.calls.after()[-1].error == "AccessDenied"


def test_it_can_only_be_read(practice: Practice) -> None:
    assert practice.request("PUT", DEB, b"mine").status == 403


def test_heads_and_ranges(practice: Practice) -> None:
    whole = practice.request("GET", DEB)
    size = len(whole.body)
    head = practice.request("HEAD", DEB)
    assert (head.status, head.headers["content-length"], head.body) == (200, str(size), b"")
    assert head.headers["etag"] == whole.headers["etag"]
    assert head.headers["accept-ranges"] == "bytes"

    def part(text: str, **more: str) -> tuple[int, bytes, str]:
        answer = practice.request("GET", DEB, headers={"Range": text, **more})
        return answer.status, answer.body, answer.headers.get("content-range", "")

    assert part("bytes=100-199") == (206, whole.body[100:200], f"bytes 100-199/{size}")
    assert part("bytes=100-") == (206, whole.body[100:], f"bytes 100-{size - 1}/{size}")
    assert part("bytes=-10") == (206, whole.body[-10:], f"bytes {size - 10}-{size - 1}/{size}")
    assert part(f"bytes=5-{size * 2}") == (206, whole.body[5:], f"bytes 5-{size - 1}/{size}")
    assert part(f"bytes={size}-") == (416, b"", f"bytes */{size}")
    assert part("lines=1-2")[0] == 200
    same = {"If-Range": whole.headers["etag"]}
    assert part("bytes=100-", **same)[0] == 206
    assert part("bytes=100-", **{"If-Range": '"other"'})[:2] == (200, whole.body)


def test_a_download_breaks_once_and_can_be_taken_up(practice: Practice) -> None:
    whole = practice.request("GET", DEB).body
    practice.cloud.settings.break_download_after = 1000
    assert practice.request("GET", f"{LATEST}/VERSION").status == 200
    assert practice.request("HEAD", DEB).status == 200
    with pytest.raises(http.client.IncompleteRead) as broken:
        practice.request("GET", DEB)
    assert broken.value.partial == whole[:1000]
    rest = practice.request("GET", DEB, headers={"Range": "bytes=1000-"})
    assert (rest.status, broken.value.partial + rest.body) == (206, whole)
    assert practice.request("GET", DEB).body == whole


def test_downloads_are_in_the_log_and_change_nothing(practice: Practice) -> None:
    practice.request("GET", DEB)
    call = practice.cloud.calls.after()[-1]
    assert (call.service, call.operation, call.region) == ("s3", f"GET {DEB}", "eu-central-1")
    assert (call.caller, call.mutating, call.error) == ("anonymous", False, "")
