"""Operations on activations, and on the tier that limits the number of nodes."""

import hashlib
from datetime import datetime

from onboard.practice.awsjson import AwsError, page
from onboard.practice.hybrid import (
    JSON,
    TIER_SETTING,
    Activation,
    Hybrid,
    ServiceSetting,
    new_activation_code,
    new_uuid,
    tag_list,
    tags_of,
)

DAY_S = 24 * 3600
LONGEST_LIFE_S = 30 * DAY_S
TAGS_PER_RESOURCE = 50


def create_activation(hybrid: Hybrid, request: JSON) -> JSON:
    """CreateActivation: the only answer that contains the code."""
    now = hybrid.now
    expires = _seconds(request["ExpirationDate"]) if request.get("ExpirationDate") is not None else now + DAY_S
    if not now < expires <= now + LONGEST_LIFE_S:
        raise AwsError("InvalidParameters", "ExpirationDate must be in the future and at most 30 days ahead.")
    tags = tags_of(request)
    if len(tags) > TAGS_PER_RESOURCE:
        raise AwsError("InvalidParameters", f"At most {TAGS_PER_RESOURCE} tags are allowed.")
    hybrid.assumable_role(request["IamRole"])
    code = new_activation_code()
    activation = Activation(
        activation_id=new_uuid(),
        code_sha256=hashlib.sha256(code.encode()).digest(),
        iam_role=request["IamRole"],
        description=request.get("Description") or "",
        default_instance_name=request.get("DefaultInstanceName") or "",
        registration_limit=request.get("RegistrationLimit") or 1,
        expires=expires,
        created=now,
        tags=tags,
    )
    hybrid.activations[activation.activation_id] = activation
    return {"ActivationId": activation.activation_id, "ActivationCode": code}


def describe_activations(hybrid: Hybrid, request: JSON) -> JSON:
    """DescribeActivations."""
    found = list(hybrid.activations.values())
    for wanted in request.get("Filters") or []:
        if not wanted.get("FilterKey") or not wanted.get("FilterValues"):
            raise AwsError("InvalidFilter", "A filter needs FilterKey and FilterValues.")
        found = [a for a in found if _filtered_value(a, wanted["FilterKey"]) in wanted["FilterValues"]]
    items, more = page(found, request, default=50)
    return {"ActivationList": [_described(activation, hybrid.now) for activation in items], **more}


def delete_activation(hybrid: Hybrid, request: JSON) -> JSON:
    """DeleteActivation: nodes that registered with it stay."""
    if hybrid.activations.pop(request["ActivationId"], None) is None:
        raise AwsError("InvalidActivationId", "The activation ID isn't valid.")
    return {}


def get_service_setting(hybrid: Hybrid, request: JSON) -> JSON:
    """GetServiceSetting, only for the activation tier."""
    _require_tier_setting(hybrid, request)
    return {"ServiceSetting": _described_setting(hybrid)}


def update_service_setting(hybrid: Hybrid, request: JSON) -> JSON:
    """UpdateServiceSetting, only for the activation tier."""
    _require_tier_setting(hybrid, request)
    if request["SettingValue"] not in ("standard", "advanced"):
        raise AwsError("ValidationException", "The setting value must be standard or advanced.")
    _require_standard_fits(hybrid, request["SettingValue"])
    hybrid.tier = ServiceSetting(request["SettingValue"], hybrid.now, _root(hybrid), customized=True)
    return {}


def reset_service_setting(hybrid: Hybrid, request: JSON) -> JSON:
    """ResetServiceSetting: back to the standard tier, if the nodes fit into it."""
    _require_tier_setting(hybrid, request)
    _require_standard_fits(hybrid, "standard")
    hybrid.tier = ServiceSetting(modified=hybrid.now)
    return {"ServiceSetting": _described_setting(hybrid)}


def _described(activation: Activation, now: float) -> JSON:
    described = {
        "ActivationId": activation.activation_id,
        "IamRole": activation.iam_role,
        "RegistrationLimit": activation.registration_limit,
        "RegistrationsCount": activation.registrations,
        "ExpirationDate": activation.expires,
        "Expired": activation.expires <= now,
        "CreatedDate": activation.created,
        "Tags": tag_list(activation.tags),
    }
    if activation.description:
        described["Description"] = activation.description
    if activation.default_instance_name:
        described["DefaultInstanceName"] = activation.default_instance_name
    return described


def _filtered_value(activation: Activation, key: str) -> str:
    return {
        "ActivationIds": activation.activation_id,
        "DefaultInstanceName": activation.default_instance_name,
        "IamRole": activation.iam_role,
    }[key]


def _seconds(value: float | str) -> float:
    """A timestamp from JSON: seconds, or ISO 8601 text."""
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).timestamp()
        except ValueError:
            raise AwsError("SerializationException", "ExpirationDate must be of type timestamp") from None
    return value


def _tier_arn(hybrid: Hybrid) -> str:
    return f"arn:{hybrid.partition}:ssm:{hybrid.region}:{hybrid.account}:servicesetting{TIER_SETTING}"


def _root(hybrid: Hybrid) -> str:
    return f"arn:{hybrid.partition}:iam::{hybrid.account}:root"


def _require_tier_setting(hybrid: Hybrid, request: JSON) -> None:
    if request["SettingId"] not in (TIER_SETTING, TIER_SETTING.lstrip("/"), _tier_arn(hybrid)):
        raise AwsError("ServiceSettingNotFound", f"Setting Id {request['SettingId']} not found.")


def _require_standard_fits(hybrid: Hybrid, wanted: str) -> None:
    if wanted == "standard" and len(hybrid.nodes) > hybrid.settings.standard_tier_nodes:
        limit = hybrid.settings.standard_tier_nodes
        raise AwsError("ValidationException", f"More than {limit} managed nodes need the advanced-instances tier.")


def _described_setting(hybrid: Hybrid) -> JSON:
    return {
        "SettingId": TIER_SETTING,
        "SettingValue": hybrid.tier.value,
        "LastModifiedDate": hybrid.tier.modified,
        "LastModifiedUser": hybrid.tier.user,
        "ARN": _tier_arn(hybrid),
        "Status": "Customized" if hybrid.tier.customized else "Default",
    }


OPERATIONS = {
    "CreateActivation": create_activation,
    "DescribeActivations": describe_activations,
    "DeleteActivation": delete_activation,
    "GetServiceSetting": get_service_setting,
    "UpdateServiceSetting": update_service_setting,
    "ResetServiceSetting": reset_service_setting,
}
