"""Sessions: where they come from, and what must never leave them."""

import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from onboard.aws.changes.base import Activation
from onboard.aws.identity import identify
from onboard.aws.session import Aws, open_aws
from onboard.model.errors import AwsError, ProfileError
from onboard.model.profile import AwsSection, Profile, RegionSection

if TYPE_CHECKING:
    from onboard.practice.cloud import Cloud


def with_region(name: str, **aws: str) -> Profile:
    return Profile(region=RegionSection(name=name), aws=AwsSection(**aws))


def test_a_region_is_needed() -> None:
    with pytest.raises(ProfileError) as caught:
        open_aws(Profile())
    assert caught.value.problems[0].key == "region.name"


def test_who_we_are_needs_no_region(cloud: "Cloud", monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    aws = open_aws(Profile(), needs_region=False)
    assert (aws.region, aws.region_is_decided) == ("us-east-1", False)
    assert identify(aws).account == cloud.account
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-3")
    aws = open_aws(Profile(), needs_region=False)
    assert (aws.region, aws.region_is_decided) == ("eu-west-3", True)


@pytest.mark.parametrize(
    ("config", "region", "partition"),
    [
        ("region = cn-northwest-1", "cn-northwest-1", "aws-cn"),
        ("role_arn = arn:aws-cn:iam::123456789012:role/admin\nsource_profile = base", "cn-north-1", "aws-cn"),
        ("role_arn = arn:aws-us-gov:iam::123456789012:role/a\nsource_profile = base", "us-gov-west-1", "aws-us-gov"),
        ("role_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base", "us-east-1", "aws"),
        ("aws_access_key_id = a\naws_secret_access_key = b", "us-east-1", "aws"),
    ],
)
def test_the_aws_profile_says_in_which_partition_it_is_asked(
    config: str, region: str, partition: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    file.write_text(f"[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n[profile one]\n{config}\n")
    aws = open_aws(Profile(aws=AwsSection(profile="one")), needs_region=False)
    assert (aws.region, aws.partition) == (region, partition)
    assert aws.session.region_name == region, "where a role is assumed"
    with pytest.raises(ProfileError) if "region =" not in config else nullcontext():
        open_aws(Profile(aws=AwsSection(profile="one")))


def test_a_wrong_region_is_told_with_the_nearest() -> None:
    with pytest.raises(ProfileError) as caught:
        open_aws(with_region("xx-central-1"))
    assert "The nearest is mx-central-1" in str(caught.value.problems[0])


def test_the_region_of_the_profile_goes_before_the_sessions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert open_aws(Profile()).region == "us-east-1"
    assert open_aws(with_region("cn-north-1")).partition == "aws-cn"


def test_an_unknown_profile_of_the_user_is_named() -> None:
    with pytest.raises(AwsError) as caught:
        open_aws(with_region("us-east-1", profile="nobody"))
    assert "'nobody'" in caught.value.what


def test_no_credentials() -> None:
    with pytest.raises(AwsError) as caught:
        identify(open_aws(with_region("us-east-1")))
    assert "no AWS credentials" in caught.value.what
    assert "aws sso login" in caught.value.remedy


@pytest.mark.parametrize("url", ["nonsense", "ftp://example.com", "http://"])
def test_a_wrong_endpoint_url(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(AwsError) as caught:
        identify(open_aws(with_region("us-east-1")))
    assert "AWS_ENDPOINT_URL" in caught.value.where
    assert "https://HOST" in caught.value.remedy


def test_nothing_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "a")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "b")
    monkeypatch.setattr("onboard.aws.answers.RETRIES", 0)
    with pytest.raises(AwsError) as caught:
        identify(open_aws(with_region("us-east-1", endpoint_url="http://127.0.0.1:9")))
    assert "http://127.0.0.1:9" in caught.value.what
    assert caught.value.code == ""


def test_a_role_that_needs_mfa_asks_for_the_code(
    monkeypatch: pytest.MonkeyPatch, cloud: "Cloud", tmp_path: Path
) -> None:
    config = tmp_path / "config"
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    config.write_text(
        "[profile base]\naws_access_key_id = a\naws_secret_access_key = b\n"
        "[profile mfa]\nrole_arn = arn:aws:iam::123456789012:role/admin\nsource_profile = base\n"
        "mfa_serial = arn:aws:iam::123456789012:mfa/me\n"
    )
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AwsError) as caught:
        identify(open_aws(with_region("us-east-1", profile="mfa")))
    assert "MFA" in caught.value.what

    from onboard.model.secret import Secret

    identity = identify(open_aws(with_region("us-east-1", profile="mfa"), mfa_code=lambda prompt: Secret("123456")))
    assert "assumed-role/admin" in identity.arn
    assert identity.expires is not None


def test_a_cloud_on_this_computer_is_not_behind_the_proxy(monkeypatch: pytest.MonkeyPatch, cloud: "Cloud") -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert identify(open_aws(Profile())).account == cloud.account


def test_one_endpoint_for_everything(aws: Aws, cloud: "Cloud", monkeypatch: pytest.MonkeyPatch) -> None:
    assert aws.single_endpoint == cloud.endpoint_url
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    assert open_aws(Profile()).single_endpoint is None
    monkeypatch.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    own = open_aws(Profile())
    assert own.single_endpoint is None
    assert own.s3_endpoint == "https://s3.eu-central-1.amazonaws.com"


def test_threads_share_one_client(aws: Aws) -> None:
    seen: list[object] = []
    barrier = threading.Barrier(8)

    def take() -> None:
        barrier.wait()
        seen.append(aws.iam)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(client) for client in seen}) == 1


def test_the_activation_code_is_in_no_log_at_debug(
    caplog: pytest.LogCaptureFixture, new_activation: Callable[[int], Activation]
) -> None:
    caplog.set_level(logging.DEBUG)
    for name in logging.Logger.manager.loggerDict:
        if name.startswith(("botocore", "boto3", "urllib3")):
            caplog.set_level(logging.DEBUG, logger=name)
    activation = new_activation(1)
    assert any(record.name.startswith("botocore") for record in caplog.records), "nothing was logged: no proof"
    everything = "\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records)
    assert activation.code.reveal() not in everything


def test_a_session_token_is_in_no_log_at_debug(
    caplog: pytest.LogCaptureFixture, cloud: "Cloud", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "canary-0x5eb1")
    caplog.set_level(logging.DEBUG)
    identify(open_aws(Profile()))
    assert caplog.records
    assert not [record for record in caplog.records if "canary-0x5eb1" in f"{record.getMessage()} {record.__dict__}"]


def test_importing_the_room_imports_no_library() -> None:
    rooms = "session, identity, permissions, instances, commands, packages, openpgp"
    code = (
        f"from onboard.aws import {rooms}\nimport sys\n"
        "print([name for name in ('boto3', 'botocore', 'requests', 'cryptography') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
