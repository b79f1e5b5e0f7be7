"""Faults that answer, hang or reset: what a client sees of them on the wire (raw sockets)."""

import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.sandbox_client import SandboxClient


def _raw(client, request, *, timeout_s=10.0):
    parts = urlsplit(client.ready["jogos"]["web_url"])
    connection = socket.create_connection((parts.hostname, parts.port), timeout=timeout_s)
    connection.sendall(request)
    return connection


def _read_all(connection):
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data


GET_KEY = b"GET /publicKey.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_a_fault_answers_in_the_endpoints_place_and_nothing_is_learnt(shop):
    """A 503 of the portal: the order has not arrived; healed, it does."""
    order_id = shop.order_id(paid=True)
    fault = shop.done(
        "POST",
        "/faults",
        {
            "at": "jogos.arrivedorder",
            "order": order_id,
            "with": {"answer": 503, "headers": {"Retry-After": "7"}, "json": {"code": "500"}},
        },
    )

    hit = shop.arrived(order_id)
    spared = shop.arrived("another")

    assert (hit.status, hit.headers["Retry-After"], hit.body) == (503, "7", b'{"code":"500"}')
    assert hit.headers["X-Coinslot-Sandbox"] == "1"
    assert (spared.status, spared.json["code"]) == (200, "500")
    assert shop.done("GET", f"/orders/{order_id}")["order"]["arrivedStatus"] == 0
    entry = shop.journal(endpoint="jogos.arrivedorder", order_id=order_id)[0]
    assert (entry["fault_id"], entry["verdict"]["code"], entry["reply"]["status"]) == (
        fault["fault_id"],
        "200",
        503,
    )
    healed = shop.done("DELETE", f"/faults/{fault['fault_id']}")
    assert (healed["fired"], healed["active"]) == (1, False)
    assert shop.arrived(order_id).json["code"] == "200"


def test_headers_alone_change_the_real_answer(client):
    """The endpoint is asked all the same."""
    client.done(
        "POST", "/faults", {"at": "jogos.publicKey", "with": {"headers": {"Cache-Control": "no-store"}}}
    )

    reply = client.send("GET", client.ready["jogos"]["web_url"] + "/publicKey.json")

    assert reply.headers["Cache-Control"] == "no-store"
    assert "PUBLIC KEY" in reply.json["data"]


def test_times_limits_how_often_a_fault_acts(client):
    """times: 2 of three calls."""
    fault = client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"answer": 500, "times": 2}})
    url = client.ready["jogos"]["web_url"] + "/publicKey.json"

    assert [client.send("GET", url).status for _ in range(3)] == [500, 500, 200]
    (listed,) = client.done("GET", "/faults")["faults"]
    assert (listed["fired"], listed["left"], listed["active"]) == (2, 0, False)
    assert listed["with"] == {"answer": 500, "times": 2}
    assert fault["left"] == 2


def test_a_reset_resets_the_connection_and_the_server_lives_on(client):
    """with: {reset: true}: the client sees ECONNRESET, no byte of an answer."""
    fault = client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"reset": True, "times": 1}})

    connection = _raw(client, GET_KEY)
    with pytest.raises(ConnectionResetError):
        _read_all(connection)
    connection.close()

    with _raw(client, GET_KEY) as again:
        assert _read_all(again).startswith(b"HTTP/1.1 200")
    assert client.done("DELETE", f"/faults/{fault['fault_id']}")["fired"] == 1
    entry = client.journal(endpoint="jogos.publicKey")[0]
    assert (entry["reply"], entry["error"]) == (None, "reset")


def test_a_hanging_answer_is_silence_and_then_the_end(client):
    """with: {hang: s}: not a byte, then the connection is dropped."""
    fault = client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"hang": 0.3}})
    began_s = time.monotonic()

    with _raw(client, GET_KEY) as connection:
        data = _read_all(connection)

    assert data == b""
    assert 0.25 <= time.monotonic() - began_s < 5
    assert client.done("DELETE", f"/faults/{fault['fault_id']}")["fired"] == 1
    assert client.journal(endpoint="jogos.publicKey")[0]["error"] == "hang"


def test_healing_a_fault_ends_what_it_holds(client):
    """A hang of ten minutes ends when the fault does; calls after it are answered."""
    fault = client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"hang": 600}})

    with _raw(client, GET_KEY) as connection:
        client.done("GET", "/journal/wait?after=1")
        client.done("DELETE", f"/faults/{fault['fault_id']}")
        assert _read_all(connection) == b""
    with _raw(client, GET_KEY) as connection:
        assert _read_all(connection).startswith(b"HTTP/1.1 200")


def test_a_hundred_hanging_calls_hold_up_nobody(client):
    """A hang takes no thread of the server's 48."""
    fault = client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"hang": 600, "times": 100}})
    held = [_raw(client, GET_KEY) for _ in range(100)]
    after = 0
    while client.done("GET", "/faults")["faults"][0]["fired"] < 100:
        after = client.done("GET", f"/journal/wait?after={after}&timeout_s=5")["last_seq"]

    with _raw(client, GET_KEY) as connection:
        assert _read_all(connection).startswith(b"HTTP/1.1 200")
    client.done("DELETE", f"/faults/{fault['fault_id']}")
    assert [_read_all(connection) for connection in held] == [b""] * 100
    for connection in held:
        connection.close()


def test_stopping_the_sandbox_ends_what_hangs():
    """A hang never outlives the server."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        client = SandboxClient(running.ready)
        client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"hang": 600}})
        connection = _raw(client, GET_KEY)
        client.done("GET", "/journal/wait?after=1")
        client.pool.clear()
    assert connection.recv(1) == b""
    connection.close()


def test_concurrent_calls_fire_a_limited_fault_exactly_so_often(client):
    """times: 5 of twenty at once."""
    client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"answer": 500, "times": 5}})
    url = client.ready["jogos"]["web_url"] + "/publicKey.json"
    statuses: list[int] = []
    callers = [
        threading.Thread(target=lambda: statuses.append(client.send("GET", url).status)) for _ in range(20)
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert sorted(statuses) == [200] * 15 + [500] * 5


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"at": "jogos.publickey", "with": {"answer": 500}}, (400, "endpoint-unknown")),
        ({"with": {"answer": 500}}, (400, "field-missing")),
        ({"at": "jogos.publicKey"}, (400, "field-missing")),
        ({"at": "jogos.publicKey", "with": {}}, (400, "field-missing")),
        ({"at": "jogos.publicKey", "with": {"times": 1}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"answer": 99}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"answer": 500, "reset": True}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"hang": 601}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"hang": -1}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"hang": 1, "reset": True}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"body": "a", "json": 1}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"headers": {"A": "b\nc"}}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"headers": {"Transfer-Encoding": "x"}}}, (400, "field-invalid")),
        ({"at": "jogos.publicKey", "with": {"answr": 500}}, (400, "field-unknown")),
        ({"on": "jogos.publicKey", "with": {"answer": 500}}, (400, "field-unknown")),
    ],
)
def test_a_fault_that_cannot_be_is_refused(client, body, expected):
    """The twins are above."""
    assert client.refused("POST", "/faults", body) == expected
    assert client.done("GET", "/faults")["faults"] == []


def test_a_misspelt_endpoint_is_named(client):
    """Did you mean."""
    problem = client.control("POST", "/faults", {"at": "jogos.getOrder", "with": {"answer": 500}}).json

    assert problem["try"] == "did you mean 'jogos.getOrders'?"


@pytest.mark.parametrize("status", [200, 204, 301, 304, 404, 429, 500, 599])
def test_any_status_can_be_answered(client, status):
    """A body is sent where the status may have one."""
    client.done("POST", "/faults", {"at": "jogos.publicKey", "with": {"answer": status, "body": "é"}})

    reply = client.send("GET", client.ready["jogos"]["web_url"] + "/publicKey.json")

    assert reply.status == status
    assert reply.body == (b"" if status in (204, 304) else "é".encode())
