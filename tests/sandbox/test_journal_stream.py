"""The journal as server-sent events, read from raw sockets: order, resuming, filters, limits, the end."""

import json
import random
import threading

import pytest
from coinslot_contracts.wire import WireRequest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.clock import ManualClock
from coinslot_sandbox.control.journal_stream import HEARTBEAT_S
from coinslot_sandbox.journal import Crossing
from coinslot_sandbox.journal_writer import STREAMS_MAX
from coinslot_testkit.event_stream import EventStream
from coinslot_testkit.sandbox_client import SandboxClient


@pytest.fixture
def follow(client):
    """Opens streams of the client's sandbox; closes them at the end."""
    opened = []

    def start(query="", **arguments):
        stream = EventStream(client.ready, query, **arguments)
        opened.append(stream)
        return stream

    yield start
    for stream in opened:
        stream.close()


def test_an_entry_comes_as_an_event_with_its_number(client, follow):
    """Content-Type, id, data; what was there before is not told unless it is asked for."""
    client.player(username="before")
    stream = follow()
    client.player(username="after")

    event = stream.next_event()

    assert stream.status == 200
    assert stream.headers["content-type"] == "text/event-stream"
    assert stream.headers["cache-control"] == "no-store"
    assert event.kind == "message"
    assert event.id == event.data["seq"]
    assert event.data == client.done("GET", f"/journal/{event.id}")
    assert event.data["request"]["json"]["username"] == "after"


def test_an_event_is_not_held_back(client, follow):
    """No buffer on the way: each event is here before the next thing happens."""
    stream = follow()

    for number in range(5):
        client.player(username=f"p{number}")
        assert stream.next_event().data["request"]["json"]["username"] == f"p{number}"


@pytest.mark.parametrize("resume", [{"last_id": 2}, {"query": "?after=2"}, {"query": "?last_event_id=2"}])
def test_a_stream_goes_on_behind_the_number_it_is_given(client, follow, resume):
    """Last-Event-ID; a page's EventSource cannot send it first, so the query has it too."""
    for _ in range(4):
        client.player(username="someone")

    assert [event.id for event in follow(**resume).events(2)] == [3, 4]


@pytest.mark.parametrize("resume", [{"query": "?after=x"}, {"query": "?last_event_id=-1"}])
def test_a_number_that_is_none_is_refused(follow, resume):
    """The twin is above."""
    stream = follow(**resume)

    assert (stream.status, json.loads(stream.body())["code"]) == (400, "field-invalid")


def test_a_stream_may_be_filtered(shop, follow):
    """dir, endpoint, order_id."""
    first, second = shop.order(paid=True)["order"], shop.order(paid=True)["order"]
    shop.arrived(second["order_id"])

    out = follow(f"?after=0&dir=out&order_id={first['order_id']}")
    inbound = follow("?after=0&endpoint=jogos.arrivedorder")

    assert out.next_event().data["order_id"] == first["order_id"]
    assert inbound.next_event().data["order_id"] == second["order_id"]


def test_a_long_past_is_told_whole(sandbox, client, follow):
    """More than fits into one page, each entry once and in order, then what is new."""
    for _ in range(450):
        sandbox.services.journal.append(
            Crossing(
                dir="in",
                endpoint="p.e",
                request=WireRequest(method="POST", target="/"),
                reply=None,
                at_s=1.0,
                elapsed_ms=1.0,
            )
        )
    stream = follow("?after=0")
    told = [event.id for event in stream.events(450)]
    client.player(username="someone")

    assert told == list(range(1, 451))
    assert stream.next_event().id == 451


def test_coming_back_again_and_again_shows_each_entry_once(client, follow):
    """No gap and no repeat under concurrent writes, wherever the reader was cut off."""
    wanted, writers = 200, 4
    chance = random.Random(7)
    hands = [SandboxClient(client.ready) for _ in range(writers)]
    writing = [
        threading.Thread(target=lambda hand=hand: [hand.player() for _ in range(wanted // writers)])
        for hand in hands
    ]
    seen, reconnects = [], 0
    for thread in writing:
        thread.start()
    while len(seen) < wanted:
        stream = follow(
            "?dir=control", last_id=seen[-1] if seen else 0, receive_bytes=chance.randint(1, 3000)
        )
        seen += [event.id for event in stream.events(min(chance.randint(1, 40), wanted - len(seen)))]
        stream.close()
        reconnects += 1
    for thread in writing:
        thread.join()
    for hand in hands:
        hand.pool.clear()

    assert reconnects > 3
    assert seen == [entry["seq"] for entry in client.journal(dir="control")]
    assert seen == sorted(set(seen))


def test_as_many_streams_as_there_may_be_hold_up_nobody_and_the_next_is_refused(client, follow):
    """503 with Retry-After; one that goes away makes room."""
    streams = [follow() for _ in range(STREAMS_MAX)]
    assert {stream.status for stream in streams} == {200}

    refused = follow()
    assert (refused.status, json.loads(refused.body())["code"]) == (503, "streams-exhausted")
    assert int(refused.headers["retry-after"]) >= 1
    client.player(username="someone")
    assert [stream.next_event().id for stream in streams] == [1] * STREAMS_MAX

    streams[0].close()
    for _ in range(200):  # what is written to a closed socket is noticed with the second write at the latest
        client.player(username="someone")
        again = follow()
        if again.status == 200:
            return
    raise AssertionError("a closed stream kept its place")


def test_a_head_request_takes_no_place(client):
    """HEAD answers at once and frees what it took."""
    for _ in range(STREAMS_MAX + 1):
        reply = client.control("HEAD", "/journal/stream")
        assert (reply.status, reply.body) == (200, b"")


def test_a_stream_ends_after_the_time_it_was_given(client, follow):
    """timeout_s, for a look from a shell."""
    client.player(username="someone")
    stream = follow("?after=0&timeout_s=0")

    assert [event.id for event in stream.events(5)] == [1]
    assert stream.is_ended


def test_a_silent_stream_beats(tmp_path):
    """A comment each HEARTBEAT_S, so that proxies and readers know it lives."""
    clock = ManualClock()
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7), clock=clock) as sandbox:
        stream = EventStream(sandbox.ready)
        stopped = threading.Event()

        def advance():
            while not stopped.wait(0.01):
                clock.advance(HEARTBEAT_S / 4)

        moving = threading.Thread(target=advance)
        moving.start()
        reading = threading.Thread(target=stream.next_event)
        reading.start()
        for _ in range(1000):
            if "alive" in stream.comments:
                break
            reading.join(0.01)
        SandboxClient(sandbox.ready).player(username="someone")
        reading.join(20)
        stopped.set()
        moving.join()
        stream.close()

    assert "alive" in stream.comments


def test_a_stream_ends_cleanly_with_the_sandbox():
    """The last chunk comes; the reader is not cut off, and the sandbox does not wait for it."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as sandbox:
        stream = EventStream(sandbox.ready)

    assert stream.next_event() is None
    assert stream.is_ended
    stream.close()


def test_a_deleted_workspace_ends_its_streams(client, follow):
    """And only its own."""
    name = client.done("POST", "/workspaces", {})["workspace"]
    kept, ended = follow(), follow(workspace=name)

    client.done("DELETE", f"/workspaces/{name}")
    client.player(username="someone")

    assert (ended.next_event(), ended.is_ended) == (None, True)
    assert kept.next_event() is not None
