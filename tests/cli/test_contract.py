"""The command line's contract, by the real program on a served practice."""

import csv
import json
import os
import pwd
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
from cli.conftest import Console, serving

from onboard.engine.journal import Journal

PROFILE = ("--profile", "practice/profile.toml")


def test_the_whole_way_by_hand(served: Console) -> None:
    untrusted = served("check", *PROFILE, "--json", code=1)
    assert {line["status"] for line in untrusted.hosts().values()} == {"untrusted"}
    assert "--accept-new" in str(untrusted.hosts()["healthy-debian"]["findings"])

    shown = served("trust", *PROFILE, code=1)
    assert shown.out.count("SHA256:") >= 2
    served("trust", *PROFILE, "--known-hosts", "practice/known_hosts")
    served("trust", *PROFILE)

    checked = served("check", *PROFILE, "--json")
    assert {line["status"] for line in checked.hosts().values()} == {"ready"}
    assert checked.lines[-1]["event"] == "run_finished"
    assert checked.lines[-1]["hosts"] == {"ready": 2}

    served("plan", *PROFILE, "-o", "plan.json")
    applied = served("apply", *PROFILE, "--plan", "plan.json", "--json")
    for line in applied.hosts().values():
        assert line["status"] == "online"
        assert str(line["instance_id"]).startswith("mi-")
        assert {"check", "status", "summary", "remedy"} <= set(line["findings"][0])  # type: ignore[index]
    run = str(applied.lines[-1]["run"])

    listed = [line for line in served("runs", "--json").lines if line["command"] == "apply"]
    assert [line["run"] for line in listed] == [run]
    report = json.loads(served("report", run, "--format", "json").out)
    assert report["counts"] == {"online": 2}
    assert {host["status"] for host in report["hosts"]} == {"online"}
    for arguments in (("--resume", run, "--plan", "plan.json"), ("--resume", ""), ("--resume", "2")):
        assert served("apply", *PROFILE, *arguments, "--json", code=2).lines[-1]["event"] == "run_finished"
    served("report", "1999", code=2)
    served("report", run, "-o", "report.json")
    assert json.loads((served.folder / "report.json").read_text()) == report
    page = served("report", run, "--format", "html").out
    assert page.startswith("<!doctype html>")
    nodes = [str(line["instance_id"]) for line in applied.hosts().values()]
    assert all(node in page for node in nodes)
    served("report", run, "--format", "csv", "-o", "report.csv")
    table = list(csv.DictReader((served.folder / "report.csv").read_text(encoding="utf-8").splitlines()))
    assert [row["instance_id"] for row in table] == nodes

    assert "--json" in served("report", run, "--format", "html", "-o", "r.html", "--json", code=2).err
    assert not (served.folder / "r.html").exists()

    refused = served("undo", run, code=2).err
    assert "there is no terminal to ask" in refused
    assert "mistake" not in refused
    served("undo", run, "--yes")
    assert "left to undo" in served("undo", run, "--yes").err

    undone = [line for line in served("runs", "--json").lines if line["command"] == "undo"]
    assert {line["undoes"] for line in undone} == {run}
    assert {line["who"] for line in undone} == {pwd.getpwuid(os.geteuid()).pw_name}
    assert str(undone[0]["arn"]).startswith("arn:aws:")


def test_a_journal_of_a_newer_version_is_refused_by_every_command_that_needs_it(console: Console) -> None:
    console("runs")
    path = Path(console.environment["ONBOARD_HOME"]) / "journal.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version=9")
    content = path.read_bytes()
    (console.folder / "p.toml").write_text("schema = 1\n")
    for arguments in (("runs",), ("report", "r1"), ("undo", "r1"), ("check", "--profile", "p.toml")):
        refused = console(*arguments, code=1)
        assert "written by a newer version of Onboard" in refused.err
        assert "ONBOARD_HOME" in refused.err
    assert path.read_bytes() == content


def test_files_that_cannot_be_used_are_refused_before_anything_is_asked(served: Console) -> None:
    served("trust", *PROFILE, "--accept-new")
    served("plan", *PROFILE, "-o", "plan.json")
    text = (served.folder / "plan.json").read_text()
    for wrong in (text.replace('"hosts": [', '"hosts": [7, ', 1), text.replace(": {", ': {"x": 1, ', 1), "[" * 100_000):
        (served.folder / "wrong.json").write_text(wrong)
        assert "not a plan of this version" in served("apply", *PROFILE, "--plan", "wrong.json", code=2).err
    for place in ("none/plan.json", "practice"):
        assert "--output" in served("plan", *PROFILE, "-o", place, code=2).err
    commands = [line["command"] for line in served("runs", "--json").lines]
    assert commands == ["plan", "trust"]


def test_a_profile_that_never_ends_is_refused(console: Console) -> None:
    os.mkfifo(console.folder / "pipe")
    for endless in ("pipe", "/dev/zero"):
        assert "not a regular file" in console("profile", "check", endless, code=2).err


def test_a_list_that_never_ends_is_refused_and_a_pipe_is_read(console: Console) -> None:
    assert "larger than" in console("hosts", "import", "/dev/zero", "--profile", "p.toml", code=2).err
    console("hosts", "import", "/dev/stdin", "--profile", "p.toml", stdin="name,address\na,10.0.0.1\n")
    assert "10.0.0.1" in (console.folder / "p.toml").read_text()


def test_an_output_never_takes_the_place_of_the_profile(console: Console) -> None:
    (console.folder / "p.toml").write_text("schema = 1\n")
    for arguments in (("plan", "-o", "p.toml"), ("check", "--debug-log", "./p.toml")):
        refused = console(*arguments, "--profile", "p.toml", code=2)
        assert "which would be lost" in refused.err
    assert (console.folder / "p.toml").read_text() == "schema = 1\n"


def test_a_name_that_is_no_text_is_refused(console: Console) -> None:
    refused = console("check", "--profile", os.fsdecode(b"w\xff.toml"), code=2)
    assert "'w\\udcff.toml' is not UTF-8" in refused.err


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a display")
@pytest.mark.parametrize("arguments", [(), ("gui",), ("practice",)])
def test_without_a_display_the_command_line_is_named(console: Console, arguments: tuple[str, ...]) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        console.environment.pop(name, None)
    assert "onboard practice --run" in console(*arguments, code=1).err


def test_many_mistakes_are_counted_and_all_told_to_programs(console: Console) -> None:
    (console.folder / "p.toml").write_text("schema = 1\n" + "".join(f"a{number} = 1\n" for number in range(30)))
    refused = console("profile", "check", "p.toml", "--json", code=2)
    assert "… and 10 more" in refused.err
    assert len(refused.lines[0]["problems"]) == 30  # type: ignore[arg-type]


def test_every_command_writes_a_log_where_it_is_told(console: Console) -> None:
    (console.folder / "p.toml").write_text('schema = 1\nname = "p"\n')
    console("profile", "check", "p.toml", "--debug-log", "log")
    assert (console.folder / "log").exists()


def test_a_run_is_not_resumed_without_the_servers_that_it_brought_online(served: Console) -> None:
    served("trust", *PROFILE, "--accept-new")
    run = str(served("apply", *PROFILE, "--yes", "--json").lines[-1]["run"])
    text = (served.folder / "practice" / "profile.toml").read_text()
    fewer = text[: text.rindex("[[hosts]]")]
    (served.folder / "practice" / "fewer.toml").write_text(fewer)
    refused = served("apply", "--profile", "practice/fewer.toml", "--resume", run, code=2)
    assert "lacks servers that the run brought online: healthy-rhel" in refused.err
    assert served("runs", "--json").lines[0]["hosts"] == {"online": 2}
    served("undo", run, "--yes")


def test_undo_logs_in_with_credentials_that_have_moved(served: Console) -> None:
    served("trust", *PROFILE, "--accept-new")
    run = str(served("apply", *PROFILE, "--yes", "--json").lines[-1]["run"])
    folder = served.folder / "practice"
    text = (folder / "profile.toml").read_text()
    key = Path(re.findall(r'key_file = "(.*)"', text)[0])
    (folder / key).rename(folder / "moved")
    served("undo", run, "--yes", code=1)
    (folder / "profile.toml").write_text(text.replace(str(key), str(folder / "moved")))
    undone = served("undo", run, *PROFILE, "--yes", "--json")
    assert undone.lines[-1]["hosts"] == {"ready": 2}


def test_people_get_a_table_and_programs_json(served: Console) -> None:
    served("trust", *PROFILE, "--accept-new")
    people = served("check", *PROFILE)
    assert "healthy-debian" in people.out
    assert "✓ ready" in people.out
    programs = served("check", *PROFILE, "--json", "--only", "clock_in_sync,os_supported")
    found = {f["check"] for line in programs.hosts().values() for f in line["findings"]}  # type: ignore[attr-defined]
    assert found == {"clock_in_sync", "os_supported"}


def test_wrong_input_is_2_and_says_what_would_be_right(console: Console) -> None:
    assert "nearest" not in console("check", *PROFILE, code=2).err
    (console.folder / "p.toml").write_text('schema = 1\n[region]\nnaem = "x"\n[activation]\nexpires_in_hours = 900\n')
    wrong = console("profile", "check", "p.toml", code=2)
    assert "region.naem" in wrong.err
    assert "name" in wrong.err
    assert "activation.expires_in_hours" in wrong.err
    for arguments in (
        ("check",),
        ("chekc",),
        ("check", "--profile", "p.toml", "--only", "clock"),
        ("apply", "--profile", "p.toml", "--plan", "none.json"),
        ("practice", "--run", "--hosts", "0"),
        ("practice", "--run", "--hosts", "many"),
        ("practice", "--serve", "p.toml"),
    ):
        assert console(*arguments, code=2).err, arguments
        told = [line["event"] for line in console(*arguments, "--json", code=2).lines]
        assert told == ["run_failed", "run_finished"], arguments
    assert "--serve: p.toml is a file" in console("practice", "--serve", "p.toml", code=2).err
    no_check = console("check", "--profile", "p.toml", "--only", "healthy-debian", code=2).err
    assert 'no check is called "healthy-debian". There are: ' in no_check
    assert "clock_in_sync" in no_check
    lines = console("profile", "check", "p.toml", "--json", code=2).lines
    assert lines[0]["event"] == "run_failed"
    assert len(lines[0]["problems"]) == 2  # type: ignore[arg-type]
    assert lines[-1]["event"] == "run_finished"


def test_a_region_that_is_not_known_is_a_warning(console: Console) -> None:
    for name, told in (("eu-centrl-1", "Did you mean eu-central-1?"), ("eu-central-1", "")):
        (console.folder / "p.toml").write_text(f'schema = 1\n[region]\nname = "{name}"\n')
        checked = console("profile", "check", "p.toml")
        assert told in checked.err
        assert bool(told) == bool(checked.err)
        assert "no mistakes" in checked.out


def test_a_debug_log_is_private_whatever_the_umask(console: Console) -> None:
    subprocess.run(
        ["/bin/sh", "-c", 'umask 0; exec "$@"', "sh", *console.command("runs", "--debug-log", "log")],
        env=console.environment, cwd=console.folder, check=True, capture_output=True,
    )  # fmt: skip
    assert (console.folder / "log").stat().st_mode & 0o077 == 0


def test_a_debug_log_that_cannot_be_written_is_2(console: Console) -> None:
    ended = console("check", "--profile", "p.toml", "--json", "--debug-log", "nosuch/x.log", code=2)
    assert "--debug-log: nosuch/x.log cannot be written" in ended.err
    assert [line["event"] for line in ended.lines] == ["run_failed", "run_finished"]


def test_a_run_under_way_is_not_called_broken_off(console: Console) -> None:
    with closing(Journal(Path(console.environment["ONBOARD_HOME"]))) as journal:
        journal.begin("20261124-101500-3f9a", "apply", "/a/long/way/to/p.toml", "{}")
        with journal.held("20261124-101500-3f9a"):
            listed = console("runs").out
            assert "running" in listed
            assert "20261124-101500-3f9a" in listed
        assert "interrupted" in console("runs").out


def test_a_run_has_one_line_in_a_pipe(console: Console) -> None:
    run, profile = "20261124-101500-3f9a", "/home/somebody/projects/data-centre-east/servers.toml"
    with closing(Journal(Path(console.environment["ONBOARD_HOME"]))) as journal:
        journal.begin(run, "apply", profile, "{}")
        journal.finish(run, {"online": 240, "blocked": 6, "unreachable": 2})
    _, line = console("runs").out.splitlines()
    assert line.startswith(run)
    assert line.rstrip().endswith(profile)


def test_aws_that_cannot_be_reached_is_3(console: Console) -> None:
    (console.folder / "p.toml").write_text(
        'schema = 1\n[aws]\nendpoint_url = "http://127.0.0.1:9"\n[region]\nname = "eu-central-1"\n'
    )
    with_keys = Console({**console.environment, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}, console.folder)
    refused = with_keys("plan", "--profile", "p.toml", "--json", code=3)
    assert refused.lines[-1]["event"] == "run_finished"
    assert "127.0.0.1:9" in refused.err
    assert "credentials" in console("plan", "--profile", "p.toml", code=3).err
    for process, why in (("no-such-program", "could not be started"), ("echo no", "did not print JSON"), ("false", "")):
        (console.folder / "config").write_text(f"[default]\ncredential_process = {process}\n")
        config = {"AWS_CONFIG_FILE": str(console.folder / "config"), "AWS_EC2_METADATA_DISABLED": "true"}
        told = Console({**console.environment, **config}, console.folder)("plan", "--profile", "p.toml", code=3).err
        assert "credential_process" in told
        assert why in told


@pytest.mark.skipif(sys.platform == "win32", reason="needs calls that a signal ends: setitimer")
@pytest.mark.parametrize("stops", [[signal.SIGINT, signal.SIGINT], [signal.SIGTERM]])
def test_an_aws_that_never_answers_is_not_waited_for(console: Console, stops: list[signal.Signals]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(30)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        (console.folder / "p.toml").write_text(
            f'schema = 1\n[aws]\nendpoint_url = "{url}"\n[region]\nname = "eu-central-1"\n'
        )
        keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y"}
        process = subprocess.Popen(
            console.command("plan", "--profile", "p.toml", "--json"),
            env={**console.environment, **keys},
            cwd=console.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(1)
            began = time.monotonic()
            assert process.stderr is not None
            for number in stops:
                process.send_signal(number)
                while "Stopping" not in process.stderr.readline():  # two signals of a kind at once would be one
                    pass
            out, err = process.communicate(timeout=60)
        assert time.monotonic() - began < 5
        assert process.returncode == 130
        assert json.loads(out.splitlines()[-1])["event"] == "run_finished"
        assert "Traceback" not in err


def test_servers_are_checked_although_aws_cannot_be_asked(served: Console) -> None:
    served("trust", *PROFILE, "--accept-new")
    blind = {**served.environment, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    ended = Console(blind, served.folder)("check", *PROFILE, "--json", code=3)
    assert {line["status"] for line in ended.hosts().values()} <= {"ready", "warned"}


def test_ctrl_c_once_stops_cleanly(console: Console) -> None:
    with serving(console, "40") as served:
        served("trust", *PROFILE, "--accept-new")
        process = subprocess.Popen(
            served.command("apply", *PROFILE, "--yes", "--json"),
            env=served.environment,
            cwd=served.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(json.loads(line))
            if lines[-1]["event"] == "step_started" and lines[-1]["step"] == "register_agent":
                process.send_signal(signal.SIGINT)
        process.communicate()
        assert process.returncode == 130
        assert lines[-1]["event"] == "run_finished"
        assert lines[-1]["hosts"].get("skipped", 0) > 0
        assert not [line for line in lines if line["event"] == "host_finished" and line["status"] == "failed"]
        run = lines[-1]["run"]
        resumed = served("apply", *PROFILE, "--resume", run, "--json", code=1)
        assert resumed.lines[-1]["hosts"]["online"] == 10  # type: ignore[index]


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="needs terminals that hang up: SIGHUP")
@pytest.mark.parametrize(("before", "code"), [("", 130), ("nohup", 0)])
def test_a_terminal_that_hangs_up_stops_a_run_cleanly(served: Console, before: str, code: int) -> None:
    served("trust", *PROFILE, "--accept-new")
    process = subprocess.Popen(
        [*before.split(), *served.command("apply", *PROFILE, "--yes", "--json")],
        env=served.environment,
        cwd=served.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # these tests may run under nohup themselves
    )
    assert process.stdout is not None
    line = ""
    for line in process.stdout:
        if json.loads(line)["event"] == "plan_made":
            process.send_signal(signal.SIGHUP)
    process.stdout.close()
    assert process.wait(60) == code
    assert json.loads(line)["event"] == "run_finished"


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_run_whose_reader_goes_away_is_brought_to_its_end(console: Console, form: list[str]) -> None:
    with serving(console, "8") as served, (served.folder / "said").open("w+") as said:
        served("trust", *PROFILE, "--accept-new")
        process = subprocess.Popen(
            served.command("apply", *PROFILE, "--yes", *form),
            env=served.environment,
            cwd=served.folder,
            stdout=subprocess.PIPE,
            stderr=said if form else subprocess.STDOUT,
            text=True,
        )
        assert process.stdout is not None
        for line in process.stdout:
            if "step_started" in line or "Created an activation" in line:
                break
        process.stdout.close()
        assert process.wait(60) == 130
        said.seek(0)
        assert said.read() == ""
        home = Path(served.environment["ONBOARD_HOME"])
        assert not (home / "defects.log").exists()
        with closing(Journal(home)) as journal:
            (record,) = [record for record in journal.runs() if record.command == "apply"]
            assert record.finished
            changes = [entry.change for entry in journal.entries(record.run) if entry.phase == "done"]
            assert changes.count("create_activation") == changes.count("delete_activation") == 1


@pytest.mark.parametrize("form", [["--json"], []])
def test_a_check_whose_reader_goes_away_ends_as_it_would_have(console: Console, form: list[str]) -> None:
    with serving(console, "1") as served:
        served("trust", *PROFILE, "--accept-new")
        ended = subprocess.Popen(
            served.command("check", *PROFILE, *form),
            env=served.environment,
            cwd=served.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert ended.stdout is not None
        ended.stdout.close()  # as `| head -c 0` does
        assert ended.wait(60) == served("check", *PROFILE).code == 0
        assert ended.stderr is not None
        assert "Traceback" not in ended.stderr.read()
        ended.stderr.close()


def test_hosts_are_imported_from_a_csv(console: Console) -> None:
    (console.folder / "list.csv").write_bytes("\ufeffHostname;IP\nweb1;192.0.2.1\nweb2;192.0.2.2\n".encode())
    done = console("hosts", "import", "list.csv", "--profile", "new.toml")
    assert "semicolon" in done.err
    assert "2 servers" in done.out
    text = (console.folder / "new.toml").read_text()
    assert "web2" in text
    again = console("hosts", "import", "list.csv", "--profile", "new.toml", "--json")
    assert again.lines[-1]["hosts"] == 2
    (console.folder / "bad.csv").write_text("name,port\nweb3,70000\n,22\n")
    for empty in ("", "name,address\n"):
        (console.folder / "empty.csv").write_text(empty)
        assert "no server" in console("hosts", "import", "empty.csv", "--profile", "new.toml", code=2).err
    (console.folder / "twice.csv").write_text("name,tag:a,TAG: a\nweb4,1,2\n")
    assert "several columns" in console("hosts", "import", "twice.csv", "--profile", "new.toml", code=2).err
    wrong = console("hosts", "import", "bad.csv", "--profile", "new.toml", code=2)
    assert "line 2" in wrong.err
    assert "line 3" in wrong.err


def test_an_import_says_what_is_new_and_how_to_replace(console: Console) -> None:
    def imported(text: str, *arguments: str, code: int = 0) -> str:
        (console.folder / "list.csv").write_text(text)
        done = console("hosts", "import", "list.csv", "--profile", "new.toml", *arguments, code=code)
        return done.err if code else done.out

    assert imported("name,address\nweb1,192.0.2.1\n") == "1 server found, 1 new; new.toml has 1\n"
    assert "1 server found, 0 new" in imported("name,address\nweb1,192.0.2.1\n")
    assert "add --replace" in imported("name,address\nweb1,192.0.2.9\n", code=2)
    assert imported("name,address\nweb1,192.0.2.9\n", "--replace") == "1 server found; new.toml has 1\n"


def test_a_profile_that_says_nothing_is_told_by_its_check(console: Console) -> None:
    (console.folder / "p.toml").write_text("# only a comment\n")
    assert "the file: nothing is set in it" in console("profile", "check", "p.toml", code=2).err


def test_the_schema_is_json(console: Console) -> None:
    schema = json.loads(console("profile", "schema").out)
    assert "hosts_file" in schema["properties"]


def test_a_run_that_was_never_approved_is_not_resumed_without_asking(served: Console) -> None:
    served("trust", *PROFILE, "--accept-new")
    served("check", *PROFILE)
    home = Path(served.environment["ONBOARD_HOME"])
    with closing(Journal(home)) as journal:
        journal.begin("20260101-000000-dead", "apply", "practice/profile.toml", "{}")
    refused = served("apply", *PROFILE, "--resume", "20260101-000000-dead", code=2)
    assert "--yes" in refused.err
    served("apply", *PROFILE, "--resume", "20260101-000000-dead", "--yes")
