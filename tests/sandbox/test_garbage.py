"""Any bytes whatsoever to either port: a documented answer or a closed connection, never an HTTP 5xx."""

import json
import re
import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

STATUS = re.compile(rb"^HTTP/1\.[01] (\d{3}) ")
CHECKED = settings(
    max_examples=120,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def _exchange(url, request):
    """Send raw bytes, say that nothing follows, read to the end."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        answer = b""
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65536):
                answer += piece
        except ConnectionError:
            return answer
    return answer


def _check(answer):
    """Every answer is 2xx to 4xx and JSON, except where there is none at all."""
    if not answer:
        return None
    match = STATUS.match(answer)
    assert match, answer[:200]
    status = int(match.group(1))
    assert 100 <= status < 500, answer[:200]
    if status >= 400 and status != 405:
        body = answer.partition(b"\r\n\r\n")[2]
        assert not body or json.loads(body.partition(b"HTTP/1.1")[0])["code"], answer[:300]
    return status


PIECES = st.sampled_from(
    [
        b"GET ",
        b"POST ",
        b"HEAD ",
        b"get ",
        b"/publicKey.json",
        b"/api/gamepay/getOrders",
        b"/_control/v1/orders",
        b"/%2e%2e/%00/%ff",
        b"//x",
        b"http://a/b",
        b"?a=%zz&b",
        b" HTTP/1.1\r\n",
        b" HTTP/2.0\r\n",
        b" HTTP/1.0\r\n",
        b"Host: x\r\n",
        b"Host: \xff\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 99999999999999999999\r\n",
        b"Content-Length: 5, 6\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip\r\n",
        b"Expect: 100-continue\r\n",
        b"Authorization: \x80\r\n",
        b"Connection: keep-alive\r\n",
        b": empty\r\n",
        b"no colon\r\n",
        b" folded\r\n",
        b"\r\n",
        b"\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"ffffffffff\r\n",
        b"{}",
        b"\x00",
    ]
)


@CHECKED
@given(request=st.lists(st.one_of(PIECES, PIECES, PIECES, st.binary(max_size=20)), max_size=14).map(b"".join))
def test_no_bytes_make_the_portal_port_fail(sandbox, request):
    """Bad input: any bytes to any endpoint, a documented error answer, never an HTTP 5xx."""
    _check(_exchange(sandbox.ready["jogos"]["web_url"], request))


@CHECKED
@given(request=st.lists(st.one_of(PIECES, PIECES, PIECES, st.binary(max_size=20)), max_size=14).map(b"".join))
def test_no_bytes_make_the_control_port_fail(sandbox, request):
    """The same for the control port."""
    _check(_exchange(sandbox.ready["control_url"], request))


BODIES = st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(
                st.sampled_from(
                    ["gameId", "orderId", "pageNo", "pageSize", "player", "with", "token", "body"]
                ),
                inner,
                max_size=5,
            ),
        ),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
)
TARGETS = ("/api/gamepay/webhook/arrivedorder", "/api/gamepay/getOrders")
CALLS = (
    "players",
    "products",
    "orders",
    "tokens",
    "callbacks",
    "faults",
    "keys/rotate",
    "orders/archive",
    "games/1",
)


@CHECKED
@given(body=BODIES, target=st.sampled_from(TARGETS), signed=st.booleans())
def test_no_body_makes_an_endpoint_fail(client, body, target, signed):
    """HTTP 200 with one of the documented codes, signed or not."""
    reply = client.portal(target, body, key=None if signed else "wrong")

    assert reply.status == 200
    assert reply.json["code"] in {"200", "305", "40001", "41007", "500"}


@CHECKED
@given(body=BODIES, call=st.sampled_from(CALLS))
def test_no_body_makes_a_control_call_fail(client, body, call):
    """Done, or a problem with a code."""
    reply = client.send(
        "PUT" if call.startswith("games") else "POST",
        f"{client.ready['control_url']}/_control/v1/{call}",
        body=body,
        headers={"Authorization": f"Bearer {client.ready['control_token']}"},
    )

    assert reply.status in (200, 201, 400, 404, 409)
    assert reply.status < 400 or reply.json["code"]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /publicKey.json HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /publicKey.json HTTP/1.0\r\n\r\n", 200),
        (b"\r\nGET /publicKey.json HTTP/1.1\r\nHost: x\r\n\r\n", 200),
        (b"GET /publicKey.json HTTP/3.0\r\n\r\n", 400),
        (b"GET /publicKey.json\r\n\r\n", 400),
        (b"GET  HTTP/1.1\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"GET /a HTTP/1.1\nHost: x\n\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", 400),
        (b"POST /a HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nffffffffff\r\n", 400),
        (b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nshort", 400),
        (b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nX: " + b"a" * 70_000 + b"\r\n\r\n", 413),
    ],
)
def test_malformed_http_is_named(client, request_bytes, status):
    """400, 413 or 414 with a JSON body; what is no fault of the request is served."""
    answer = _exchange(client.ready["jogos"]["web_url"], request_bytes)

    assert _check(answer) == status
    assert b"X-Coinslot-Sandbox: 1" in answer


def test_two_requests_on_one_connection_are_both_answered(client):
    """Keep-alive and pipelining: a body is read to its end, never taken for the next request."""
    one = b"POST /api/gamepay/getOrders HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
    chunked = (
        b"POST /api/gamepay/getOrders HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Connection: close\r\n\r\n2;a=b\r\n{}\r\n0\r\nTrailer: x\r\n\r\n"
    )

    answer = _exchange(client.ready["jogos"]["web_url"], one * 3 + chunked)

    assert answer.count(b"HTTP/1.1 200 OK") == 4
    assert answer.count(b'"code":"305"') == 4


def test_a_monster_of_a_body_is_read_before_it_is_refused(client):
    """20 MB: a server that answered and closed at once would reset the client, who then sees nothing."""
    size = 20_000_000
    head = f"POST /api/gamepay/getOrders HTTP/1.1\r\nHost: x\r\nContent-Length: {size}\r\n\r\n".encode()

    answer = _exchange(client.ready["jogos"]["web_url"], head + b" " * size)

    assert _check(answer) == 413
