"""Every kind of failure that any endpoint can have, seen on the wire through raw sockets.

Each test heals its fault at the end and finds the normal answer again: the positive twin.
"""

import gzip
import json
import time

import pytest
from coinslot_testkit.raw_http import connect, fetch, read_all, request_bytes
from coinslot_testkit.waiting import until

AT = "jogos.publicKey"


@pytest.fixture
def url(client):
    """Where the key is."""
    return client.ready["jogos"]["web_url"] + "/publicKey.json"


@pytest.fixture
def honest(client, url):
    """The normal answer's body; and once the test is over, it comes again after every fault is healed."""
    body = fetch(url).body
    assert "data" in json.loads(body)
    yield body
    for fault in client.done("GET", "/faults")["faults"]:
        client.done("DELETE", f"/faults/{fault['fault_id']}")
    again = fetch(url)
    assert (again.status, again.body, again.ended) == (200, body, "closed")


def _set(client, **spec):
    return client.done("POST", "/faults", {"at": AT, "with": spec})["fault_id"]


def _fired(client, fault_id):
    (found,) = [item for item in client.done("GET", "/faults")["faults"] if item["fault_id"] == fault_id]
    return found["fired"]


def _last(client):
    return client.journal(endpoint=AT)[-1]


def test_a_late_answer_is_the_normal_one(client, url, honest):
    """latency: seconds; the answer is whole, and marked as every other."""
    fault_id = _set(client, latency=0.4)

    seen = fetch(url)

    assert (seen.status, seen.body, seen.ended) == (200, honest, "closed")
    assert 0.4 <= seen.times_s[0] < 3
    assert seen.head["x-coinslot-sandbox"] == "1"
    assert _fired(client, fault_id) == 1
    assert (_last(client)["error"], _last(client)["fault_id"]) == (None, fault_id)


@pytest.mark.parametrize(
    ("params", "least_s", "most_s"),
    [
        ({"fixed_s": 0.2}, 0.2, 2.0),
        ({"uniform": [0.15, 0.3]}, 0.15, 2.0),
        ({"lognormal": {"median_s": 0.2, "sigma": 0.1, "max_s": 0.25}}, 0.1, 2.0),
    ],
)
def test_lateness_can_be_drawn(client, url, honest, params, least_s, most_s):
    """fixed, uniform, lognormal: never outside what was asked for."""
    _set(client, latency=params)

    seen = fetch(url)

    assert seen.body == honest
    assert least_s <= seen.times_s[0] < most_s


def test_late_answers_hold_up_nobody(client, url, honest):
    """A hundred answers wait without a thread of the server's 48; another endpoint answers meanwhile."""
    fault_id = _set(client, latency=600)
    waiting = [connect(url) for _ in range(100)]
    for connection in waiting:
        connection.sendall(request_bytes(url))
    began_s = time.monotonic()
    until(lambda: _fired(client, fault_id) >= 100)

    other = client.orders_page()
    client.done("DELETE", f"/faults/{fault_id}")

    assert other.json["code"] == "200"
    for connection in waiting:
        assert read_all(connection, began_s).body == honest
        connection.close()


def test_healing_a_late_answer_sends_it_at_once(client, url, honest):
    """Ten minutes end with the fault, and the answer comes whole."""
    fault_id = _set(client, latency=600)
    began_s = time.monotonic()
    with connect(url) as connection:
        connection.sendall(request_bytes(url))
        until(lambda: _fired(client, fault_id))
        client.done("DELETE", f"/faults/{fault_id}")
        assert read_all(connection, began_s).body == honest


def test_a_reset_before_the_headers_sends_no_byte(client, url, honest):
    """reset: true."""
    fault_id = _set(client, reset=True)

    seen = fetch(url)

    assert (seen.data, seen.ended) == (b"", "reset")
    assert _fired(client, fault_id) == 1
    assert (_last(client)["reply"], _last(client)["error"]) == (None, "reset")


def test_a_reset_in_the_middle_of_the_body(client, url, honest):
    """The head promises it all; half comes, then a reset."""
    fault_id = _set(client, reset="mid_body")

    seen = fetch(url)

    assert seen.ended == "reset"
    assert int(seen.head["content-length"]) == len(honest)
    assert 0 < len(seen.body) < len(honest)
    assert honest.startswith(seen.body)
    assert _fired(client, fault_id) == 1


def test_an_empty_reply_closes_without_a_byte(client, url, honest):
    """empty_reply: no head, no reset."""
    fault_id = _set(client, empty_reply=True)

    seen = fetch(url)

    assert (seen.data, seen.ended) == (b"", "closed")
    assert _fired(client, fault_id) == 1


def test_garbage_is_no_http(client, url, honest):
    """garbage: so many bytes, the same for the same seed and call."""
    fault_id = _set(client, garbage={"bytes": 100})

    seen = fetch(url)

    assert len(seen.data) == 102
    assert not seen.data.startswith(b"HTTP")
    assert seen.ended == "closed"
    assert _fired(client, fault_id) == 1


def test_a_truncated_body_is_shorter_than_it_says(client, url, honest):
    """truncated_body: a fraction of it, Connection: close, and the request was read first."""
    fault_id = _set(client, truncated_body={"fraction": 0.25})

    seen = fetch(url)

    assert seen.status == 200
    assert int(seen.head["content-length"]) == len(honest)
    assert seen.head["connection"] == "close"
    assert seen.body == honest[: len(honest) // 4]
    assert seen.ended == "closed"
    assert _fired(client, fault_id) == 1
    assert _last(client)["error"] == "truncated_body"


def test_malformed_json_is_whole_http(client, url, honest):
    """malformed_json: Content-Length fits, the JSON does not end."""
    fault_id = _set(client, malformed_json=True)

    seen = fetch(url)

    assert int(seen.head["content-length"]) == len(seen.body) < len(honest)
    assert honest.startswith(seen.body)
    with pytest.raises(json.JSONDecodeError):
        json.loads(seen.body)
    assert _fired(client, fault_id) == 1


def test_an_empty_body_is_a_200_with_nothing(client, url, honest):
    """empty_body."""
    fault_id = _set(client, empty_body=True)

    seen = fetch(url)

    assert (seen.status, seen.head["content-length"], seen.body) == (200, "0", b"")
    assert _fired(client, fault_id) == 1


def test_a_page_of_html_comes_with_200(client, url, honest):
    """wrong_content_type."""
    fault_id = _set(client, wrong_content_type=True)

    seen = fetch(url)

    assert (seen.status, seen.head["content-type"]) == (200, "text/html; charset=utf-8")
    assert b"<html>" in seen.body
    assert _fired(client, fault_id) == 1


def test_a_byte_order_mark_comes_before_the_json(client, url, honest):
    """bom: three bytes, and a charset in the type."""
    fault_id = _set(client, bom=True)

    seen = fetch(url)

    assert seen.body == b"\xef\xbb\xbf" + honest
    assert seen.head["content-type"] == "application/json; charset=utf-8"
    assert _fired(client, fault_id) == 1


def test_a_compressed_answer_is_good(client, url, honest):
    """gzip: unpacked it is the normal body."""
    fault_id = _set(client, gzip=True)

    seen = fetch(url)

    assert seen.head["content-encoding"] == "gzip"
    assert gzip.decompress(seen.body) == honest
    assert _fired(client, fault_id) == 1


def test_compressed_rubbish_cannot_be_unpacked(client, url, honest):
    """gzip_garbage: says gzip, begins like it, and is none."""
    fault_id = _set(client, gzip_garbage=True)

    seen = fetch(url)

    assert seen.head["content-encoding"] == "gzip"
    with pytest.raises((gzip.BadGzipFile, EOFError, OSError, ValueError)):
        gzip.decompress(seen.body)
    assert _fired(client, fault_id) == 1


def test_an_oversized_answer_is_valid_and_huge(client, url, honest):
    """oversized: 3 MiB of white space before the JSON; the journal keeps a piece of it."""
    fault_id = _set(client, oversized={"mib": 3})

    seen = fetch(url)

    assert len(seen.body) == int(seen.head["content-length"]) == 3 * 1_048_576 + len(honest)
    assert json.loads(seen.body) == json.loads(honest)
    assert _fired(client, fault_id) == 1
    assert len(_last(client)["reply"]["body_b64"]) < 10_000


def test_a_reader_that_stops_early_does_not_hold_the_oversized_answer(client, url, honest):
    """A bounded reader hangs up; the server lives on, and what began to go out has fired."""
    fault_id = _set(client, oversized={"mib": 64})

    with connect(url) as connection:
        connection.sendall(request_bytes(url))
        assert connection.recv(1000).startswith(b"HTTP/1.1 200")

    assert client.orders_page().status == 200
    assert _fired(client, fault_id) == 1


@pytest.mark.parametrize("params", [0.4, {"bytes_per_s": 1000}, {"pause_s": 0.001}])
def test_a_trickle_takes_its_time_and_comes_whole(client, url, honest, params):
    """trickle: the head at once, the body in many pieces."""
    fault_id = _set(client, trickle=params)

    seen = fetch(url)

    assert seen.body == honest
    assert len(seen.times_s) > 3
    assert 0.3 <= seen.took_s < 5
    assert _fired(client, fault_id) == 1


@pytest.mark.parametrize("params", [{"pause_s": 1e-320}, {"for_s": 1e-320}, {"pause_s": 0}])
def test_a_trickle_without_a_pause_worth_the_name_is_the_whole_answer(client, url, honest, params):
    """A pause so short that nothing can be divided by it; a late answer comes afterwards as ever."""
    _set(client, trickle={**params}, times=1)
    _set(client, latency=0.05)

    assert [fetch(url).body for _ in range(2)] == [honest, honest]


def test_a_trickle_ends_when_it_is_healed(client, url, honest):
    """The rest comes at once."""
    fault_id = _set(client, trickle={"pause_s": 30})
    began_s = time.monotonic()
    with connect(url) as connection:
        connection.sendall(request_bytes(url))
        assert connection.recv(65_536).endswith(b"\r\n\r\n")
        client.done("DELETE", f"/faults/{fault_id}")
        assert read_all(connection, began_s).data == honest


def test_a_redirect_names_another_host(client, url, honest):
    """redirect: 301, no body, the target kept."""
    fault_id = _set(client, redirect={"to": "http://elsewhere.invalid"})

    seen = fetch(url)

    assert (seen.status, seen.head["location"]) == (301, "http://elsewhere.invalid/publicKey.json")
    assert _fired(client, fault_id) == 1


def test_a_limited_rate_answers_429_beyond_it(client, url, honest):
    """rate_limit: two calls of a window pass; the third is told when to come again."""
    fault_id = _set(client, rate_limit={"n": 2, "window_s": 600})

    seen = [fetch(url) for _ in range(4)]

    assert [item.status for item in seen] == [200, 200, 429, 429]
    assert 1 <= int(seen[2].head["retry-after"]) <= 600
    assert _fired(client, fault_id) == 2


def test_a_status_with_retry_after(client, url, honest):
    """answer and headers together."""
    fault_id = _set(client, answer=429, headers={"Retry-After": "3"})

    seen = fetch(url)

    assert (seen.status, seen.head["retry-after"]) == (429, "3")
    assert _fired(client, fault_id) == 1
