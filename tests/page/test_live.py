"""The stream by which a page hears that something has changed, seen on the wire."""

import contextlib
import time

import urllib3
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.page_client import PageClient
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.waiting import until

STREAMS_MAX = 24
WAIT_S = 10.0
BEATS_MAX = 20


def _listen(page, *, after=0):
    """An open stream; whoever asks for it closes it."""
    pool = urllib3.PoolManager(retries=False, timeout=urllib3.Timeout(WAIT_S))
    url = f"{page.base_url}/w/default/live?after={after}"
    return pool.request("GET", url, headers={"Cookie": page.cookie}, preload_content=False, redirect=False)


def _until(stream, mark):
    """What came up to a mark."""
    heard = b""
    deadline_s = time.monotonic() + WAIT_S
    while mark not in heard:
        assert time.monotonic() < deadline_s, heard
        heard += stream.read1(4096)
    return heard


def test_a_change_is_told_with_its_number_and_nothing_else(visitor, client):
    """One event for a burst; what changed is read by asking for the page again."""
    after = client.done("GET", "/journal")["last_seq"]
    with contextlib.closing(_listen(visitor, after=after)) as stream:
        _until(stream, b"retry: 1000\n\n")
        for _ in range(3):
            client.player(username="secret-name")
        heard = _until(stream, b"event: changed\n")
        last_seq = client.done("GET", "/journal")["last_seq"]
        heard += _until(stream, b"\n\n") if not heard.endswith(b"\n\n") else b""

    assert stream.headers["Content-Type"] == "text/event-stream"
    assert f"id: {last_seq}\n".encode() in heard
    assert b"secret-name" not in heard


def test_a_page_that_knows_it_all_hears_nothing_but_a_beat(visitor, client):
    """The twin of the test above."""
    after = client.done("GET", "/journal")["last_seq"]
    with contextlib.closing(_listen(visitor, after=after)) as stream:
        heard = _until(stream, b": still here\n\n")

    assert b"event:" not in heard


def test_streams_are_bounded_and_given_back(visitor, client):
    """One more than there may be is told to ask now and then (204); a closed one makes room soon."""
    streams = [_listen(visitor) for _ in range(STREAMS_MAX)]
    for stream in streams:
        _until(stream, b"retry")
    one_more = _listen(visitor)
    for stream in streams:
        stream.close()
    later = until(lambda: (found := _listen(visitor)).status == 200 and found, says="no stream became free")
    later.close()

    assert [stream.status for stream in streams] == [200] * STREAMS_MAX
    assert one_more.status == 204
    assert client.done("GET", "/players") == {"players": []}


def test_an_open_page_holds_up_no_end():
    """The sandbox stops while somebody listens, and the stream ends with it instead of running wild."""
    with Sandbox(SandboxSettings(port=0, control_port=0)) as running:
        client = SandboxClient(running.ready)
        page = PageClient(client)
        page.sign_in()
        stream = _listen(page, after=2**40)
        _until(stream, b"retry")
        client.pool.clear()
        began_s = time.monotonic()
    took_s = time.monotonic() - began_s
    beats = 0
    with contextlib.closing(stream), contextlib.suppress(urllib3.exceptions.HTTPError):
        while beats < BEATS_MAX and (heard := stream.read1(4096)):
            beats += heard.count(b"still here")

    assert took_s < 5
    assert beats < BEATS_MAX
