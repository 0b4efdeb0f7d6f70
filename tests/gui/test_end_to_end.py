"""The real program in a real window, driven from another process by the keyboard alone.

What is done here is what its user does; what is looked at is what stands in the window, the files that the program
keeps, what its other commands say, and what a practice's cloud was asked for.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from desktop import Cloud, Desktop, Wizard, needed, opened, practice

pytestmark = pytest.mark.timeout(300)

REGISTERED = "RegisterManagedInstance"  # the call of the cloud's by which a server becomes a node


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    needed()
    with Desktop(tmp_path_factory.mktemp("screen")) as one:
        yield one


def onboard(*arguments: str, environment: dict[str, str]) -> str:
    """The output of a console command."""
    command = [sys.executable, "-m", "onboard", *arguments]
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


# What a user does


def trust_all(wizard: Wizard, servers: int) -> None:
    wizard.wait_title("Servers")
    wizard.push("Read host keys")
    wizard.push(f"Review {servers} keys")
    wizard.wait_title(f"Review {servers} keys")
    wizard.push("Tick all")
    wizard.push(f"Approve {servers} keys")
    wizard.wait_title("Servers")
    wizard.wait_words(f"Trusted {servers}")


def check_all(wizard: Wizard) -> None:
    wizard.wait_title("Checks")
    wizard.push("Run the checks")
    wizard.wait_button("Next: Review")


def plan_install(wizard: Wizard, able: int) -> None:
    """Go from Checks to Install, with a plan."""
    wizard.push("Next: Review")
    wizard.wait_title("Review")
    wizard.push("Make the plan")
    wizard.push("Next: Install")
    wizard.wait_title("Install")
    wizard.wait_button(f"Install on {able} servers")


def save_as(wizard: Wizard, path: Path) -> None:
    wizard.press("ctrl+shift+s")
    wizard.wait_title("Save the profile")
    wizard.replace(str(path))
    wizard.press("Return")
    wizard.wait(path.exists, f"file {path.name}")
    wizard.wait(lambda: "*" not in wizard.title() and "Onboard" in wizard.title(), "a window with nothing unsaved")


def open_profile(wizard: Wizard, path: Path, title: str = "Account") -> None:
    wizard.press("ctrl+o")
    wizard.wait_title("Open a profile")
    wizard.replace(str(path))
    wizard.press("Return")
    wizard.wait_title(title)


def set_field(wizard: Wizard, name: str, text: str) -> None:
    wizard.tab_to(name)
    wizard.replace(text)
    wizard.press("Tab")


def shown(wizard: Wizard) -> set[str]:
    """What the pages show of the profile: the texts of fields and of table cells."""
    found = set()
    for title, keys in (("Servers", "ctrl+3"), ("Region", "ctrl+4"), ("Network", "ctrl+7")):  # these ask nobody
        wizard.press(keys)
        wizard.wait_title(title)
        things = wizard.wait(wizard.things, title)
        found |= {f"{title}: {thing.name} = {thing.text}" for thing in things if thing.role == "text"}
        found |= {f"{title}: {thing.name}" for thing in things if "cell" in thing.role and thing.name}
    return found


# The whole way


def test_whole_journey_to_finish_saved_and_opened_again(desktop: Desktop, tmp_path: Path) -> None:
    kept = tmp_path / "branch.toml"
    with opened(desktop, tmp_path) as wizard:
        wizard.wait_title("Start – new – Onboard")
        began = time.monotonic()
        wizard.push("Try it in practice")
        wizard.wait_title("Account – practice – Onboard")
        print(f"practice was up after {time.monotonic() - began:.1f} s")
        wizard.wait_words("Practice: nothing here is real")
        wizard.wait_words("All required permissions are granted")
        folder = next((tmp_path / "tmp").glob("onboard-practice-*/env")).parent
        cloud = Cloud(folder)
        wizard.push("Next: Servers")
        trust_all(wizard, 8)
        wizard.push("Next: Region")
        wizard.wait_title("Region")
        wizard.push("Measure")
        wizard.wait_button("Measure again")
        wizard.wait_words("The distances are simulated")
        wizard.push("Next: Role")
        wizard.wait_title("Role")
        wizard.wait_words("OnboardSSMServiceRole will be created")
        wizard.push("Next: Activation")
        wizard.wait_title("Activation")
        wizard.wait_words("8 servers fit")
        set_field(wizard, "Instance name", "branch-office")
        set_field(wizard, "Tags", "site=fra, team=platform")
        wizard.push("Next: Network")
        wizard.wait_title("Network")
        wizard.push("Next: Checks")
        check_all(wizard)
        plan_install(wizard, 2)
        assert not cloud.calls(REGISTERED)
        wizard.push("Install on 2 servers")
        wizard.wait_words("2 of 2 servers are online")
        wizard.push("Next: Finish")
        wizard.wait_title("Finish")
        assert_journal_tells_it(folder, cloud)
        save_as(wizard, kept)
        before = shown(wizard)
        wizard.close()
        assert not folder.exists()
    first = kept.read_bytes()
    with opened(desktop, tmp_path) as wizard:
        open_profile(wizard, kept)
        after = shown(wizard)
        assert len(after) > 50
        assert after - before == {"Servers: not read yet"}
        wizard.press("ctrl+s")
        save_as(wizard, tmp_path / "again.toml")
        assert kept.read_bytes() == first
        assert (tmp_path / "again.toml").read_bytes() == first
        assert b'name = "branch-office"' in first
        wizard.close()


def assert_journal_tells_it(folder: Path, cloud: Cloud) -> None:
    """The journal, as the console program reads it, has the run that the window showed."""
    environment = {**cloud.environment, "ONBOARD_HOME": str(folder / "home")}
    runs = [json.loads(line) for line in onboard("runs", "--json", environment=environment).splitlines()]
    applied = [run for run in runs if run["command"] == "apply"]
    assert [run["hosts"] for run in applied] == [{"blocked": 6, "online": 2}]
    assert len(cloud.calls(REGISTERED)) == 2
    report = onboard("report", applied[0]["run"], "--json", environment=environment)
    assert report.count("mi-") >= 2


# Crashes


@pytest.fixture
def branch(tmp_path: Path) -> Iterator[Cloud]:
    """A practice that outlives windows: 16 servers, on 4 of which the agent can be installed, one after the other."""
    with practice(tmp_path / "practice", 16) as cloud:
        with (tmp_path / "practice" / "profile.toml").open("a", encoding="utf-8") as profile:
            profile.write("\n[run]\nconcurrency = 1\n")
        yield cloud


def begin_install(wizard: Wizard, cloud: Cloud) -> None:
    """An installation on 4 servers, half done: the canary is registered but not proven, the others are untouched."""
    wizard.press("ctrl+3")
    trust_all(wizard, 16)
    wizard.press("ctrl+8")
    check_all(wizard)
    plan_install(wizard, 4)
    cloud.set(throttles={"SendCommand": {"next_calls": 1000}})
    wizard.push("Install on 4 servers")
    wizard.wait(lambda: cloud.calls(REGISTERED), "registrations")


def assert_each_server_once(cloud: Cloud) -> None:
    nodes = Counter(call["instance_id"] for call in cloud.calls(REGISTERED))
    assert len(nodes) == 4
    assert set(nodes.values()) == {1}


def test_engine_killed_during_install_is_told_and_resumed(desktop: Desktop, tmp_path: Path, branch: Cloud) -> None:
    with opened(desktop, tmp_path, str(tmp_path / "practice" / "profile.toml"), environment=branch.environment) as one:
        one.wait_title("Account – practice")
        begin_install(one, branch)
        os.kill(one.child("engine"), signal.SIGKILL)
        one.wait_words("The background process stopped unexpectedly")
        branch.set(throttles={"SendCommand": None})
        one.push("Resume")
        one.wait_words("4 of 4 servers are online")
        one.push("Next: Finish")
        one.wait_title("Finish")
        assert_each_server_once(branch)
        one.close()


@pytest.mark.parametrize("with_engine", [False, True], ids=["window", "window and engine"])
def test_window_killed_during_install_offers_to_resume(
    desktop: Desktop, tmp_path: Path, branch: Cloud, with_engine: bool
) -> None:
    profile = str(tmp_path / "practice" / "profile.toml")
    with opened(desktop, tmp_path, profile, environment=branch.environment) as one:
        begin_install(one, branch)
        if with_engine:
            os.kill(one.child("engine"), signal.SIGKILL)
        one.kill()
    assert len(branch.calls(REGISTERED)) < 4
    branch.set(throttles={"SendCommand": None})
    with opened(desktop, tmp_path, profile, environment=branch.environment) as one:
        one.wait_title("Install – practice")
        one.wait_words("A run was interrupted")
        one.push("Resume")
        one.wait_words("4 of 4 servers are online")
        assert_each_server_once(branch)
        one.close()
    with opened(desktop, tmp_path, profile, environment=branch.environment) as one:
        one.wait_title("Account – practice")
        one.wait_words("All required permissions are granted")
        assert "interrupted" not in one.words()
        one.close()


def test_window_killed_during_an_edit_gives_it_back(desktop: Desktop, tmp_path: Path, branch: Cloud) -> None:
    profile = tmp_path / "practice" / "profile.toml"
    saved = profile.read_bytes()
    with opened(desktop, tmp_path, str(profile), environment=branch.environment) as one:
        one.wait_words("All required permissions are granted")
        one.press("ctrl+6")
        one.wait_title("Activation")
        set_field(one, "Instance name", "half-done")
        one.wait(lambda: list((tmp_path / "home" / "drafts").glob("*.json")), "a draft that is kept")
        one.kill()
    assert profile.read_bytes() == saved
    with opened(desktop, tmp_path, environment=branch.environment) as one:
        one.wait_words("Unsaved changes were found")
        one.push("Restore")
        one.wait_title("Account – practice*")
        one.wait_words("All required permissions are granted")
        one.press("ctrl+6")
        one.wait_title("Activation – practice*")
        assert "half-done" in [thing.text for thing in one.things()]
        one.press("ctrl+s")
        one.wait_title("Activation – practice –")
        one.close()
    assert b'name = "half-done"' in profile.read_bytes()
    with opened(desktop, tmp_path, environment=branch.environment) as one:
        assert "left behind" not in one.words()
        one.close()


# Closing


def go_to(wizard: Wizard, page: str, able: int = 2) -> None:
    """Do what has to be done before a page can be visited, and go there. (Keys were approved.)"""
    wizard.wait_title("Account")
    keys = {"Servers": 3, "Region": 4, "Role": 5, "Activation": 6, "Network": 7, "Checks": 8}
    if page in ("Role", "Activation"):
        wizard.wait_words("All required permissions are granted")
    if page in keys:
        wizard.press(f"ctrl+{keys[page]}")
    elif page != "Account":
        wizard.wait_words("All required permissions are granted")
        wizard.press("ctrl+8")
        check_all(wizard)
        if page == "Review":
            wizard.push("Next: Review")
        else:
            plan_install(wizard, able)
        if page == "Finish":
            wizard.push(f"Install on {able} servers")
            wizard.push("Next: Finish")
    wizard.wait_title(page)


def test_closing_on_any_page_ends_everything(desktop: Desktop, tmp_path: Path) -> None:
    with practice(tmp_path / "practice", 2) as cloud:
        profile = str(tmp_path / "practice" / "profile.toml")
        with opened(desktop, tmp_path, environment=cloud.environment) as wizard:
            wizard.wait_title("Start")
            wizard.close()
        with opened(desktop, tmp_path, profile, environment=cloud.environment) as wizard:
            go_to(wizard, "Servers")
            trust_all(wizard, 2)
            wizard.close()
        for page in ("Account", "Region", "Role", "Activation", "Network", "Checks", "Review", "Install", "Finish"):
            with opened(desktop, tmp_path, profile, environment=cloud.environment) as wizard:
                go_to(wizard, page)
                wizard.close()


def test_closing_while_something_runs_ends_everything(desktop: Desktop, tmp_path: Path) -> None:
    with opened(desktop, tmp_path) as wizard:
        wizard.push("Try it in practice")
        wizard.child("practice")
        wizard.close()
    with opened(desktop, tmp_path) as wizard:
        wizard.push("Try it in practice")
        wizard.wait_title("Account")
        wizard.press("ctrl+4")
        wizard.wait_title("Region")
        wizard.push("Measure")
        wizard.close()
    with opened(desktop, tmp_path) as wizard:
        wizard.push("Try it in practice")
        wizard.wait_title("Account")
        wizard.press("ctrl+3")
        trust_all(wizard, 8)
        wizard.press("ctrl+8")
        wizard.push("Run the checks")
        wizard.close()
    assert not list((tmp_path / "tmp").iterdir())


def test_closing_during_an_installation_asks_and_loses_nothing(desktop: Desktop, tmp_path: Path, branch: Cloud) -> None:
    profile = str(tmp_path / "practice" / "profile.toml")
    with opened(desktop, tmp_path, profile, environment=branch.environment) as one:
        begin_install(one, branch)
        one.press("alt+F4")
        one.wait_title("A run is in progress")
        one.press("Escape")
        one.wait_title("Install")
        one.press("alt+F4")
        one.wait_title("A run is in progress")
        one.push("Stop")
        branch.set(throttles={"SendCommand": None})
        one.wait_ended()
    runs = onboard("runs", "--json", environment={**branch.environment, "ONBOARD_HOME": str(tmp_path / "home")})
    assert all(json.loads(line)["finished"] for line in runs.splitlines())
    assert json.loads(runs.splitlines()[0])["hosts"] == {"online": 1, "blocked": 12, "skipped": 3}
    with opened(desktop, tmp_path, profile, environment=branch.environment) as one:
        one.wait_title("Install")
        one.push("Resume")
        one.wait_words("4 of 4 servers are online")
        one.close()
    assert_each_server_once(branch)


# The next morning


def test_what_was_done_before_is_found_and_undone_in_another_window(desktop: Desktop, tmp_path: Path) -> None:
    profile = str(tmp_path / "practice" / "profile.toml")
    with practice(tmp_path / "practice", 2) as cloud:
        with opened(desktop, tmp_path, profile, environment=cloud.environment) as one:
            go_to(one, "Servers")
            trust_all(one, 2)
            one.press("ctrl+2")
            go_to(one, "Finish")
            one.wait_words("2 of 2 servers are online")
            one.close()
        assert len(cloud.calls(REGISTERED)) == 2
        with opened(desktop, tmp_path, profile, environment=cloud.environment) as one:
            one.wait_title("Account – practice")
            show_last_run(one)
            one.wait_words("2 of 2 servers are online")
            one.push("Undo…")
            one.wait_title("Undo")
            one.push("Undo on 2 servers")
            one.wait_words("2 of 2 servers restored")
            one.close()
        assert len(cloud.calls("DeregisterManagedInstance")) == 2
        with opened(desktop, tmp_path, profile, environment=cloud.environment) as one:
            one.wait_title("Account – practice")
            show_last_run(one)
            one.wait_words("The run is undone")
            one.close()


def show_last_run(wizard: Wizard) -> None:
    wizard.press("ctrl+r")
    wizard.wait_title("Earlier runs")
    wizard.wait_words("Run 20")  # the newest is selected
    wizard.push("Show")
    wizard.wait_title("Finish")


# Wrong input


def test_wrong_input_is_told_and_is_no_defect(desktop: Desktop, tmp_path: Path, branch: Cloud) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[region]\nname = “eu-west-1”\n", encoding="utf-8")
    servers = tmp_path / "servers.csv"
    servers.write_text('name,address,port\nfine,10.0.0.1,22\n"torn,10.0.0.2\n,,\nfar,10.0.0.3,99999\n', "utf-8")
    with opened(desktop, tmp_path, str(tmp_path / "practice" / "profile.toml"), environment=branch.environment) as one:
        one.wait_words("All required permissions are granted")
        one.press("ctrl+o")
        one.wait_title("Open a profile")
        one.replace(str(wrong))
        one.press("Return")
        one.wait_title("The profile was not opened")
        one.press("Escape")
        one.wait_title("Account – practice –")
        one.press("ctrl+6")
        one.wait_title("Activation – practice –")
        set_field(one, "Instance name", "“Müller” 🖥")
        one.wait_words("Problem")
        assert "”" in one.words()  # what was typed stays
        one.tab_to("Expires after")
        one.replace("0")
        one.press("Tab")
        set_field(one, "Tags", "site")
        one.wait_words("is not a tag")
        one.press("ctrl+5")
        one.wait_title("Role – practice –")
        set_field(one, "Role name", "“admin”; rm -rf /")
        one.press("ctrl+7")
        one.wait_title("Network – practice –")
        set_field(one, "ssm", "https://‘nowhere’ :x")
        set_field(one, "Version", "the newest")
        one.press("ctrl+3")
        one.wait_title("Servers – practice –")
        one.push("Import…")
        one.wait_title("Import servers")
        one.replace(str(servers))
        one.press("Return")
        one.wait_title("Import servers.csv")
        one.press("Escape")
        one.push("Add…")
        one.wait_title("Add servers")
        one.type("good 10.0.0.9")
        one.press("Return")
        one.type("“bad” 10.0.0.10:²")
        one.press("Return")
        one.type(":::")
        one.press("alt+a", "Escape")
        one.wait_title("Servers – practice –")
        one.close()
