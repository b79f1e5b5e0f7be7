"""Whether a fault has fired: what counts, what does not, what the portal takes in, and whose fault it is.

Seen on the wire through raw sockets; after each test the fault is healed and the normal answer is back.
"""

import hashlib
import json
import socket
import time
from urllib.parse import urlsplit

import pytest
from coinslot_sandbox.fault_acts import Act
from coinslot_sandbox.fault_desk import let_act
from coinslot_sandbox.faults import Fault, FaultBook, hold_key
from coinslot_sandbox.hospice import Script, SocketHospice
from coinslot_sandbox.http_server import TakenSocket
from coinslot_testkit.raw_http import ask_and_leave, connect, fetch, read_all, request_bytes
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
    yield body
    for fault in client.done("GET", "/faults")["faults"]:
        client.done("DELETE", f"/faults/{fault['fault_id']}")
    assert fetch(url).body == body


def _set(client, **spec):
    return client.done("POST", "/faults", {"at": AT, "with": spec})["fault_id"]


def _fired(client, fault_id):
    (found,) = [item for item in client.done("GET", "/faults")["faults"] if item["fault_id"] == fault_id]
    return found["fired"]


@pytest.fixture
def crowd():
    """So many open sockets that the next one's number is more than select() can count."""
    try:
        import resource
    except ImportError:  # Windows, where no such number is a limit
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < 2048:
        resource.setrlimit(resource.RLIMIT_NOFILE, (2048, hard))
    held = [socket.socket()]
    while held[-1].fileno() < 1100:
        held.append(socket.socket())
    yield
    for one in held:
        one.close()
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_fault_acts_however_many_connections_are_open(client, url, honest, crowd):
    """A living client is not taken for one that has hung up because its socket has a high number."""
    fault_id = _set(client, truncated_body=True, times=1)

    seen = fetch(url)

    assert len(seen.body) < len(honest)
    assert _fired(client, fault_id) == 1


@pytest.mark.parametrize("kind", ["hang", "latency"])
def test_silence_has_fired_though_the_client_gave_up(client, url, honest, kind):
    """A backend with a shorter patience than the fault has felt it all the same."""
    fault_id = _set(client, **{kind: 600})

    with connect(url, timeout_s=0.3) as connection:
        connection.sendall(request_bytes(url))
        with pytest.raises(TimeoutError):
            connection.recv(1)

    assert _fired(client, fault_id) == 1


@pytest.mark.parametrize(
    "spec", [{"reset": True}, {"hang": 5}, {"latency": 0.01}, {"truncated_body": True}, {"answer": 503}]
)
def test_what_nobody_called_for_has_not_fired(client, url, honest, spec):
    """fired: 0 in the list and in the answer of DELETE."""
    fault_id = _set(client, **spec)
    client.orders_page()

    assert _fired(client, fault_id) == 0
    assert client.done("DELETE", f"/faults/{fault_id}")["fired"] == 0


@pytest.mark.parametrize(
    "spec", [{"reset": True}, {"hang": 0.2}, {"truncated_body": True}, {"answer": 503}, {"bom": True}]
)
def test_a_client_that_is_gone_felt_nothing(client, url, honest, spec):
    """It hangs up before the request is judged: seen, not fired; the next client gets the fault."""
    fault_id = _set(client, **spec, times=1)
    ask_and_leave(url)

    def judged():
        (fault,) = client.done("GET", "/faults")["faults"]
        return fault["seen"] and fault["left"] and fault

    fault = until(judged)
    assert (fault["fired"], fault["left"], fault["seen"]) == (0, 1, 1)
    assert fetch(url).body != honest
    assert _fired(client, fault_id) == 1


@pytest.mark.parametrize(
    ("spec", "arrived"),
    [
        ({"reset": True}, 0),
        ({"reset": {"when": "before_headers", "handled": True}}, 1),
        ({"reset": "mid_body"}, 1),
        ({"empty_reply": True}, 0),
        ({"empty_reply": {"handled": True}}, 1),
        ({"truncated_body": True}, 1),
        ({"latency": 0.05}, 1),
        ({"wrong_content_type": True}, 0),
        ({"rate_limit": 0}, 0),
        ({"hang": {"for_s": 0.05, "handled": True}}, 1),
    ],
)
def test_the_portal_takes_the_call_in_or_does_not(shop, spec, arrived):
    """What fails in the portal's place leaves no trace; what fails on the way back was taken in."""
    order_id = shop.order_id(paid=True)
    shop.done("POST", "/faults", {"at": "jogos.arrivedorder", "order": order_id, "with": spec})
    body = json.dumps({"gameId": int(shop.game_id), "orderId": order_id}).encode()
    fetch(
        shop.ready["jogos"]["api_url"] + "/api/gamepay/webhook/arrivedorder",
        body=body,
        headers={"Authorization": _signature(body, shop.shared_key)},
    )

    assert shop.done("GET", f"/orders/{order_id}")["order"]["arrivedStatus"] == arrived


def _signature(body, key):
    return hashlib.sha1(body + key.encode()).hexdigest()


def test_a_workspaces_fault_is_its_own(client, url):
    """The same fault in two workspaces: healing one ends only what it holds."""
    client.done("POST", "/workspaces", {"name": "other"})
    preset = [
        client.done("POST", f"{where}/faults", {"at": AT, "with": {"latency": 600}})["fault_id"]
        for where in ("", "/w/other")
    ]
    parts = urlsplit(url)
    other = f"{parts.scheme}://{parts.netloc}/w/other/jogos{parts.path}"
    began_s = time.monotonic()
    with connect(url) as mine, connect(other, timeout_s=0.5) as theirs:
        mine.sendall(request_bytes(url))
        theirs.sendall(request_bytes(other))
        for where in ("", "/w/other"):
            until(lambda where=where: client.done("GET", f"{where}/faults")["faults"][0]["fired"])
        client.done("DELETE", f"/faults/{preset[0]}")
        assert read_all(mine, began_s).status == 200
        with pytest.raises(TimeoutError):
            theirs.recv(1)
    assert fetch(url).status == 200


def test_healing_between_counting_and_holding_holds_nothing():
    """Whoever heals as soon as the count rises may be faster than the connection's way into the hospice."""
    book, hospice = FaultBook(seed=7, now_s=lambda: 0.0), SocketHospice()
    book.add(Fault(fault_id="f", at="p.e", kind="latency", params={"fixed_s": 600.0}))
    taken = book.take(endpoint="p.e")
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    script = Script(pieces=((600, b"answer"),), hurries=True)

    book.heal("f")
    hospice.release([hold_key("w", "f")])
    let_act(
        taken,
        Act(reply=None, script=script),
        faults=book,
        workspace="w",
        connection=None,
        held=TakenSocket(ours, hospice),
    )

    assert theirs.recv(100) == b"answer"
    theirs.close()
    hospice.stop()


def test_a_count_goes_to_the_fault_that_acted_and_to_no_namesake():
    """A preset that is laid anew has the same ids; what the old one still does is not its doing."""
    book = FaultBook(seed=7, now_s=lambda: 0.0)
    book.lay("p", [Fault(fault_id="p-01", at="p.e", kind="reset")])
    taken = book.take(endpoint="p.e")
    book.lay("p", [Fault(fault_id="p-01", at="p.e", kind="reset")])
    book.fired(taken)

    assert book.is_over(taken)
    assert [report.fired for report in book.list_faults()] == [0]
    book.fired(book.take(endpoint="p.e"))
    assert [report.fired for report in book.list_faults()] == [1]
