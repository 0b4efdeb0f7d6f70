"""What must hold in AWS, on the servers and in the report, once a run that was disturbed or killed has ended well."""

from contextlib import closing
from pathlib import Path

import pytest

from onboard.aws.changes.activations import find_activations
from onboard.aws.instances import nodes
from onboard.aws.session import open_aws
from onboard.cli.report import report_of_run
from onboard.engine.journal import Journal
from onboard.model.status import HostStatus
from onboard.practice.serve import Practice
from onboard.report.document import document

MADE = ("RegisterManagedInstance", "CreateRole", "CreateActivation", "DeleteActivation")


def assert_whole(practice: Practice, home: Path, run: str, where: str) -> None:
    """Nothing is doubled, lost or left, and the report tells what there is. `home`: the folder with the journal."""
    with closing(Journal(home)) as journal:
        report = document(report_of_run(journal.run(run), journal))
    calls, hosts = practice.cloud.calls, len(practice.servers)

    def carried_out(operation: str) -> int:
        return len([call for call in calls.of(operation) if not call.error])

    done = {operation: carried_out(operation) for operation in MADE}
    assert done["RegisterManagedInstance"] == hosts, f"{done}: {where}"
    assert done["CreateRole"] == 1, f"{done}: {where}"
    assert done["CreateActivation"] == done["DeleteActivation"], f"{done}: {where}"
    told = {str(host["instance_id"]) for host in report["hosts"]}
    with pytest.MonkeyPatch.context() as environment:
        for name, value in practice.environment().items():
            environment.setenv(name, value)
        aws = open_aws(practice.profile())
        online = {node for node, found in nodes(aws, told).items() if found.is_online}
        left = find_activations(aws, name=practice.profile().activation.name, run=run)
        aws.close()
    assert online == told, f"online: {online}, told: {told}: {where}"
    assert not left, f"an activation is left: {where}"
    assert len(told) == hosts, f"{told}: {where}"
    ends = {host["name"]: host["status"] for host in report["hosts"]}
    assert ends == {server.name: HostStatus.ONLINE for server in practice.servers}, f"{ends}: {where}"
    assert report["finished"], f"the run has no end in its report: {where}"
    assert report["failure"] is None, f"{report['failure']}: {where}"
    created = {change["subject"] for change in report["aws"] if change["change"] == "create_activation"}
    deleted = {change["subject"] for change in report["aws"] if change["change"] == "delete_activation"}
    assert created <= deleted, f"one of those that were told was not told as deleted: {where}"
