"""The processes of a sidecar as a family: how it begins, how it does not, how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from coinslot_testkit.child_environment import with_testkit

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="a family is made by fork")


def begin(case):
    """The family's parent; its lines and its log can be read."""
    command = [sys.executable, "-m", "coinslot_testkit.family_program", case]
    return subprocess.Popen(
        command, env=with_testkit(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def run(case):
    """What a family said that ends by itself, and its log."""
    with begin(case) as parent:
        said, logged = parent.communicate(timeout=30)
    return parent.returncode, said.splitlines(), [json.loads(line) for line in logged.splitlines()]


def end_when_ready(case):
    """What a family said that was told to end as soon as it was ready, and how long that took."""
    with begin(case) as parent:
        said = []
        while "ready" not in said:
            said.append(parent.stdout.readline().strip())
            assert said[-1], "the family ended before it was ready"
        began_s = time.monotonic()
        parent.send_signal(signal.SIGTERM)
        rest, _ = parent.communicate(timeout=30)
    return parent.returncode, [*said, *rest.splitlines()], time.monotonic() - began_s


def test_a_family_is_ready_when_all_its_processes_answer_and_ends_with_them():
    """The twin of all below: SIGTERM ends it with exit code 0."""
    code, said, _ = end_when_ready("serve")

    assert code == 0
    assert sorted(said[:2]) == ["served 0", "served 1"]
    assert said[2:] == ["ready", "ended"]


def test_processes_that_do_not_end_in_time_are_killed():
    """stop_s bounds how long a stop may take; nobody answers after it."""
    code, said, took_s = end_when_ready("ignore")

    assert (code, said) == (0, ["ready", "ended"])
    assert took_s > 1.0  # they had their time; that stdout was closed says that they are gone


@pytest.mark.parametrize(("case", "events"), [("fall", set()), ("fail", {"fault"})])
def test_a_family_whose_process_ends_before_it_answers_does_not_start(case, events):
    """One line for people; the log names the kind of a failure and none of its words."""
    code, said, log = run(case)

    assert code == 5
    assert said == ["not started: a process of the sidecar ended before it answered; its log says why"]
    assert {line["event"] for line in log} == events
    assert "secret words" not in json.dumps(log)


def test_a_family_that_is_told_to_stop_while_it_starts_is_never_ready():
    """Nobody is sent to a port that is about to close, and a process that hangs does not hold up the stop."""
    code, said, _ = run("stop-early")

    assert (code, said) == (0, ["ended"])


def test_a_process_whose_parent_died_before_it_began_serves_nobody():
    """Nobody could stop it. That stdout was closed says that it is gone."""
    code, said, log = run("orphan")

    assert (code, said, log) == (0, [], [])
