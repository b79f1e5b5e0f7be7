"""Forms of a request, looked at by a backend of bare sockets: framing, pace, connections, timing."""

import hashlib
import threading

import pytest
from coinslot_contracts.wire import WireRequest
from coinslot_sandbox.delivery.sender import Outgoing, send, send_in_row, target_of
from coinslot_sandbox.delivery.wire_forms import WireForm
from coinslot_testkit.raw_backend import RawBackend
from coinslot_testkit.recording_backend import Says

BODY = b'{"a":1,"b":"0123456789abcdef"}'


def _outgoing(url, body=BODY, headers=(), **form):
    request = WireRequest(method="POST", target=target_of(url), headers=headers, body=body)
    return Outgoing(url=url, request=request, form=WireForm(**form))


def test_a_plain_request_is_what_was_given():
    """The twin of every form: Content-Length, no Expect, one piece."""
    with RawBackend() as backend:
        host = backend.url.removeprefix("http://").partition("/")[0].encode()
        result = send(_outgoing(backend.url), timeout_s=5)

    (request,) = backend.requests
    assert request.lines == [
        b"POST /notify HTTP/1.1",
        b"Host: " + host,
        b"Content-Length: 30",
        b"Connection: close",
    ]
    assert request.body == BODY
    assert (result.error, result.reply.status, result.went_out) == (None, 200, True)


@pytest.mark.parametrize(
    ("size", "framed"),
    [
        (16, b'10\r\n{"a":1,"b":"0123\r\ne\r\n456789abcdef"}\r\n0\r\n\r\n'),
        (1000, b"1e\r\n" + BODY + b"\r\n0\r\n\r\n"),
    ],
)
def test_a_chunked_body_has_no_content_length(size, framed):
    """RFC 9112 section 7.1."""
    with RawBackend() as backend:
        result = send(_outgoing(backend.url, chunk_bytes=size), timeout_s=5)

    (request,) = backend.requests
    assert request.header(b"Transfer-Encoding") == b"chunked"
    assert request.header(b"Content-Length") is None
    assert request.body == framed
    assert (result.error, result.sent.body) == (None, BODY)


@pytest.mark.parametrize("go", [b"HTTP/1.1 100 Continue\r\n\r\n", b""])
def test_a_body_follows_the_go_or_a_second_of_silence(go):
    """RFC 9110 section 10.1.1."""
    with RawBackend(on_expect=go) as backend:
        result = send(_outgoing(backend.url, expect_continue=True), timeout_s=5)

    (request,) = backend.requests
    assert request.header(b"Expect") == b"100-continue"
    assert request.body == BODY
    assert (result.error, result.reply.status) == (None, 200)
    assert (request.moments_s[-1] - request.moments_s[0] > 0.9) == (go == b"")


def test_no_body_follows_a_refusal():
    """RFC 9110 section 10.1.1: a final answer instead of the go; what is recorded has no body either."""
    refusal = b"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"
    with RawBackend(on_expect=refusal, closes=True) as backend:
        result = send(_outgoing(backend.url, expect_continue=True), timeout_s=5)

    (request,) = backend.requests
    assert (request.body, result.sent.body) == (b"", b"")
    assert (result.error, result.reply.status) == (None, 417)


def test_a_trickled_body_comes_in_pieces():
    """The bytes are the same; the deadline is longer by the time that they take."""
    with RawBackend() as backend:
        result = send(_outgoing(backend.url, trickle_s=0.6), timeout_s=0.4)

    (request,) = backend.requests
    assert request.body == BODY
    assert len(request.moments_s) >= 5
    assert request.moments_s[-1] - request.moments_s[0] >= 0.5
    assert result.error is None


@pytest.mark.parametrize("closes", [False, True])
def test_a_row_goes_over_one_connection_as_long_as_the_peer_keeps_it(closes):
    """Connection: keep-alive; where it was closed, the next request opens another."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%b\r\nok" % (
        b"Connection: close\r\n" if closes else b""
    )
    with RawBackend(answer=answer, closes=closes) as backend:
        results = send_in_row([_outgoing(backend.url)] * 3, 5)

    assert [request.connection for request in backend.requests] == ([0, 1, 2] if closes else [0, 0, 0])
    assert [request.header(b"Connection") for request in backend.requests] == [b"keep-alive"] * 3
    assert [request.body for request in backend.requests] == [BODY] * 3
    assert [result.error for result in results] == [None] * 3
    assert [result.connect_ms is not None for result in results] == [True, closes, closes]


def test_a_cut_answer_is_known_by_its_head():
    """The rest is not waited for: a body that never comes keeps nobody."""
    answer = b"HTTP/1.1 200 OK\r\nX-Seen: yes\r\nContent-Length: 1000000\r\n\r\n{"
    with RawBackend(answer=answer) as backend:
        result = send(_outgoing(backend.url, cut_reply=True), timeout_s=5)

    assert backend.requests[0].body == BODY
    assert result.error == "reply-cut"
    assert (result.reply.status, result.reply.body) == (200, b"")
    assert ("X-Seen", "yes") in result.reply.headers
    assert result.elapsed_ms < 2000


def test_each_part_of_an_exchange_is_timed(backend):
    """Connected, first byte, all: each measured from the beginning."""
    waiting = threading.Event()
    backend.answer_by(lambda _arrival: Says(after=waiting))
    timer = threading.Timer(0.3, waiting.set)
    timer.start()

    result = send(_outgoing(backend.url), timeout_s=5)

    timer.join()
    assert 0 <= result.connect_ms < 250
    assert 250 <= result.ttfb_ms <= result.elapsed_ms


@pytest.mark.parametrize(
    ("url", "went_out"),
    [("http://127.0.0.1:9/x", False), ("http://unknown.invalid./x", False), (None, True)],
)
def test_what_never_left_is_said_to_have_not(url, went_out, backend):
    """A fault has fired only when its bytes have gone out."""
    backend.answer_with(Says(after=threading.Event()))

    result = send(_outgoing(url or backend.url), timeout_s=0.4)

    assert (result.went_out, result.reply, result.ttfb_ms) == (went_out, None, None)
    assert (result.connect_ms is None) == (not went_out)


FORMS = {
    "chunked": {"bytes": 7},
    "expect_100": True,
    "trickle": 0.2,
    "keep_alive": 2,
    "cut_response": True,
}


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("way", ["fault", "callback", "resend"])
def test_a_form_can_be_asked_of_every_way_to_send(shop, name, way):
    """The signed bytes are the same in each: sha1(body + key) of what the body is without its framing."""
    with RawBackend() as raw:
        shop.set_game(callback_url=raw.url, retry="none")
        if way == "fault":
            shop.done("POST", "/faults", {"at": "delivery", "with": {name: FORMS[name]}})
        order = shop.order(paid=way != "callback")
        if way == "resend":
            raw.wait_for(1)
            delivery_id = order["delivery"]["delivery_id"]
            shop.await_delivery(delivery_id, "delivered")
            shop.done("POST", f"/deliveries/{delivery_id}/resend", {"with": {name: FORMS[name]}})
        if way == "callback":
            call = {"order": order["order"]["order_id"], "type": "pay", "with": {name: FORMS[name]}}
            shop.done("POST", "/callbacks", call)
        requests = raw.wait_for((2 if name == "keep_alive" else 1) + (way == "resend"))
        requests = requests[1:] if way == "resend" else requests

    for request in requests:
        body = _unframed(request)
        signed = hashlib.sha1(body + shop.shared_key.encode()).hexdigest().encode()
        assert request.header(b"Authorization") == signed
        assert order["order"]["order_id"].encode() in body
        assert (request.header(b"Transfer-Encoding") == b"chunked") == (name == "chunked")
        assert (request.header(b"Expect") is not None) == (name == "expect_100")
    if name == "keep_alive":
        assert requests[0].connection == requests[1].connection
    if name == "trickle":
        assert requests[0].moments_s[-1] - requests[0].moments_s[0] > 0.1


def _unframed(request):
    """The body without its chunks, put together by hand."""
    if request.header(b"Transfer-Encoding") is None:
        return request.body
    plain, rest = b"", request.body
    while not rest.startswith(b"0\r\n"):
        size, _, rest = rest.partition(b"\r\n")
        plain, rest = plain + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
    return plain
