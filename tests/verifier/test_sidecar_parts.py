"""Small parts of the sidecar, each alone: its log, its counters' text, its settings."""

import io
import json
import os
import threading
from types import SimpleNamespace

import pytest
from coinslot_verifier import VerifierConfig
from coinslot_verifier.sidecar.logs import JsonLog
from coinslot_verifier.sidecar.metrics import Metrics
from coinslot_verifier.sidecar.readiness import LOOK_S, NOT_SEEN, Readiness
from coinslot_verifier.sidecar.settings import PROCESSES_MAX, SidecarSettings, SidecarStartError

CONFIG = VerifierConfig(portal="playgama", url="http://127.0.0.1:1")


def test_a_log_whose_reader_went_away_fails_nobody():
    """A sidecar outlives the pipe of its log; with a reader each event is one line."""
    read, unread = io.StringIO(), io.StringIO()
    unread.close()

    for stream in (read, unread):
        JsonLog(stream=stream).write("started", processes=1, portal=None)

    told = json.loads(read.getvalue())
    assert {name: told[name] for name in told if name != "at_s"} == {
        "level": "info",
        "event": "started",
        "processes": 1,
    }


class SlowKeys:
    """A key source whose portal answers when it is let."""

    def __init__(self):
        self.asked, self.answers = threading.Semaphore(0), threading.Semaphore(0)

    def keys_for(self, kid):  # noqa: ARG002 - the form of a key source
        self.asked.release()
        assert self.answers.acquire(timeout=20)
        return ()


def test_probes_are_answered_while_one_of_them_asks_the_portal():
    """A portal that is slow holds one thread, not all of them; what was seen before is told meanwhile."""
    keys, now_s = SlowKeys(), [100.0]
    readiness = Readiness({"jogos": SimpleNamespace(keys=(keys,), ledger=None)}, monotonic=lambda: now_s[0])
    told = []
    for expected in (NOT_SEEN, "ok"):
        prober = threading.Thread(target=readiness.look)
        prober.start()
        assert keys.asked.acquire(timeout=20)
        told.append((expected, readiness.look()["portals"]["jogos"]["keys"]))
        keys.answers.release()
        prober.join()
        now_s[0] += LOOK_S

    now_s[0] -= 0.01
    assert [expected for expected, _ in told] == [state for _, state in told]
    assert readiness.look() == {"ready": True, "portals": {"jogos": {"keys": "ok", "ledger": None}}}
    assert not keys.asked.acquire(blocking=False)


def test_a_gauge_of_two_portals_is_explained_once():
    """Prometheus refuses a text in which one metric has two HELP lines."""
    metrics = Metrics(calls=("identity",), portals=("one", "two"), processes=1)
    gauges = [("pending", "Says what.", {"portal": name}, value) for name, value in (("one", 3), ("two", 0))]

    lines = metrics.text(gauges).splitlines()

    assert lines[-4:] == [
        "# HELP pending Says what.",
        "# TYPE pending gauge",
        'pending{portal="one"} 3',
        'pending{portal="two"} 0',
    ]


@pytest.mark.parametrize(
    ("processes", "is_good"),
    [(0, False), (1, True), (PROCESSES_MAX, True), (PROCESSES_MAX + 1, False)],
)
def test_the_number_of_processes_is_bounded(monkeypatch, processes, is_good):
    """A typing error does not fill the machine; one line, exit code 2."""
    monkeypatch.setattr(os, "fork", lambda: 0, raising=False)

    assert _refused(processes) == (None if is_good else (2, f"processes must be from 1 to {PROCESSES_MAX}"))


@pytest.mark.parametrize(("processes", "is_good"), [(1, True), (2, False)])
def test_a_system_without_fork_has_one_process(monkeypatch, processes, is_good):
    """Windows; the line says what to do instead."""
    monkeypatch.delattr(os, "fork", raising=False)

    refused = _refused(processes)

    assert (refused is None) == is_good
    assert is_good or refused == (
        2,
        "several processes need fork, which this system lacks: "
        "start one sidecar per port and balance between them",
    )


def _refused(processes):
    """Exit code and line of settings that are refused, None for good ones."""
    try:
        SidecarSettings(configs=(CONFIG,), processes=processes)
    except SidecarStartError as error:
        return error.exit_code, str(error)
    return None
