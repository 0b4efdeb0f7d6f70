"""The JSON Schema says what the files are."""

import json

from onboard.profiles.json_schema import schema


def test_schema_names_itself_and_every_key_of_the_contract() -> None:
    described = schema()
    assert described["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert described["title"] == "Onboard profile"
    assert set(described["properties"]) == {
        *("schema", "name", "hosts_file", "aws", "region", "role", "activation", "network", "agent", "extras", "run"),
        *("credentials", "hosts"),
    }
    sections = described["$defs"]
    assert set(sections["Host"]["properties"]) == {
        *("name", "address", "port", "protocol", "credential", "tags", "jump")
    }
    assert {"kind", "username", "key_file", "sudo", "secret_command"} == set(sections["Credential"]["properties"])
    assert {"concurrency", "canary", "max_agent_starts"} <= set(sections["RunSection"]["properties"])
    assert {"ssm", "ssmmessages", "ec2messages", "s3"} == set(sections["EndpointOverrides"]["properties"])


def test_schema_refuses_unknown_keys_and_is_json() -> None:
    described = json.loads(json.dumps(schema()))
    assert described["additionalProperties"] is False
    assert all(
        section["additionalProperties"] is False for section in described["$defs"].values() if "properties" in section
    )
