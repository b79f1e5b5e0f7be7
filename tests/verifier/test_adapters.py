"""The adapters behind real servers, asked by a plain client: what arrives is judged byte for byte."""

import http.client
import json
import threading

import pytest
from coinslot_contracts.errors import FieldInvalid, VerifyUnavailable
from coinslot_contracts.json_bytes import SPELLINGS, dump_json
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.adapter_servers import SERVERS
from coinslot_testkit.demonstrations import compact, notification
from coinslot_verifier import NotificationVerifier, VerifierConfig

KEY = "kéy".encode()
NOTIFICATIONS = NotificationVerifier(VerifierConfig(portal="jogos", game_id="1220", shared_keys=(KEY,)))
BYTES_MAX = 3000
FIELDS = notification("zXhKYRy3genKKh9TgndBpu1gp5tBpA", "278")
BODY = compact(FIELDS)
RIGHT = signature(BODY, KEY)
WRONG = signature(BODY, b"other")


class Stage:
    """A server with an adapter, and whom its handle heard of; `raises` makes handle fail."""

    def __init__(self, name):
        self.name = name
        self.port = 0
        self.heard = []
        self.raises = None

    def handle(self, fact):
        if self.raises is not None:
            raise self.raises
        self.heard.append(fact)

    def send(self, body=BODY, *signatures, method="POST", path="/notify", headers=(), chunks=None):
        """Status, headers, body of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path)
            for value in signatures:
                connection.putheader("Authorization", value)
            for name, value in headers:
                connection.putheader(name, value)
            if chunks is not None:
                connection.putheader("Transfer-Encoding", "chunked")
                body = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b""))
            elif body is not None:
                connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            answer = connection.getresponse()
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def code(self, *args, **more):
        """The code that the portal reads in the answer."""
        status, headers, body = self.send(*args, **more)
        assert (status, headers["Content-Type"]) == (200, "application/json")
        return json.loads(body)["code"]


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    stage = Stage(request.param)
    with SERVERS[request.param](NOTIFICATIONS, stage.handle, BYTES_MAX) as stage.port:
        yield stage


@pytest.fixture
def stage(server):
    server.heard.clear()
    server.raises = None
    return server


def test_a_signed_notification_is_handled_and_acknowledged(stage):
    """jogos:iap.1.resp: the documented answer, after the handle has returned."""
    status, headers, body = stage.send(BODY, RIGHT)

    assert (status, json.loads(body)) == (200, {"code": "200", "msg": "Success"})
    assert headers["Content-Type"] == "application/json"
    assert [(fact.kind, fact.order_id, fact.user_id) for fact in stage.heard] == [
        ("pay", "zXhKYRy3genKKh9TgndBpu1gp5tBpA", "278")
    ]


@pytest.mark.parametrize("encode", [name for name in SPELLINGS if name != "gzip"])
@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded", None])
def test_any_spelling_and_type_is_accepted_under_its_own_signature(stage, encode, content_type):
    """jogos:iap.1.auth: the raw bytes are signed; a form's type must not eat them."""
    body = dump_json(FIELDS, encode)
    headers = [("Content-Type", content_type)] if content_type else []

    assert stage.code(body, signature(body, KEY), headers=headers) == "200"
    assert len(stage.heard) == 1


def test_the_same_facts_in_other_bytes_are_refused(stage):
    """jogos:iap.1.auth: a signature over one spelling says nothing of another."""
    for encode in SPELLINGS:
        body = dump_json(FIELDS, encode)
        if body != BODY:
            assert stage.code(body, RIGHT) == "41007"
    assert stage.heard == []


@pytest.mark.parametrize(
    "value",
    [
        WRONG,
        RIGHT.upper(),
        RIGHT.title(),
        f"Signature {RIGHT}",
        f"Bearer {RIGHT}",
        "é" * 40,
        b"\xff" * 40,
        "",
    ],
)
def test_any_other_header_is_refused(stage, value):
    """jogos:iap.1.auth: the digest stands bare, and no character crashes the comparison."""
    assert stage.code(BODY, value) == "41007"
    assert stage.heard == []


def test_no_header_is_refused(stage):
    """jogos:iap.1.auth"""
    assert stage.code(BODY) == "41007"


def test_two_headers_of_which_the_last_is_wrong_are_refused(stage):
    """jogos:iap.1.auth: the right one beside it helps nobody."""
    assert stage.code(BODY, RIGHT, WRONG) == "41007"
    assert stage.heard == []


def test_two_headers_are_one_too_many(stage):
    """Where the server shows both; cheroot keeps the last one and shows no other."""
    expected = "200" if stage.name == "cheroot" else "41007"

    assert stage.code(BODY, WRONG, RIGHT) == expected


def test_a_body_of_the_longest_length_is_read_and_one_byte_more_is_not(stage):
    """413 is no verdict of the portal's list: nothing was verified."""
    longest = compact({**FIELDS, "extra": "x" * (BYTES_MAX - len(compact({**FIELDS, "extra": ""})))})

    assert len(longest) == BYTES_MAX
    assert stage.code(longest, signature(longest, KEY)) == "200"
    assert stage.send(longest + b" ", signature(longest + b" ", KEY))[0] == 413
    assert len(stage.heard) == 1


def test_a_chunked_body_is_the_same_body(stage):
    """wsgiref cannot read one, and the portal is told so; all others put it together."""
    chunks = (BODY[:7], BODY[7:])
    if stage.name == "wsgiref":
        assert stage.send(BODY, RIGHT, chunks=chunks)[0] == 411
        assert stage.heard == []
        return
    assert stage.code(BODY, RIGHT, chunks=chunks) == "200"
    assert stage.send(BODY, RIGHT, chunks=(b"x" * BYTES_MAX, b"x"))[0] == 413
    assert len(stage.heard) == 1


@pytest.mark.parametrize("body", [None, b""])
def test_no_body_is_a_notification_of_nothing(stage, body):
    """jogos:iap.1.err: without a signature over it 41007, with one 305."""
    assert stage.code(body, RIGHT) == "41007"
    assert stage.code(body, signature(b"", KEY)) == "305"
    assert stage.heard == []


@pytest.mark.parametrize("length", ["x", "-1", "1e2", "9" * 40])
def test_a_length_that_is_none_is_refused(stage, length):
    """By the server or by the adapter; Flask reads no body then, which nobody signed."""
    if stage.name == "cheroot" and len(length) == 40:
        return  # cheroot itself drops the connection over it
    status, _, body = stage.send(None, RIGHT, headers=[("Content-Length", length)])

    assert status in (400, 413) or (stage.name == "flask" and json.loads(body)["code"] == "41007")
    assert stage.heard == []


def test_other_methods_are_refused(stage):
    """jogos:iap.1: the callback is a POST."""
    assert stage.send(None, method="GET")[0] == 405


def test_what_the_handle_refuses_or_cannot_decide_is_told_in_the_portals_words(stage):
    """jogos:iap.1.err: an outage of ours is 503 with code 500, so that the portal asks again."""
    stage.raises = FieldInvalid("the product is unknown")
    assert stage.code(BODY, RIGHT) == "305"
    stage.raises = VerifyUnavailable("the database is away")
    status, headers, body = stage.send(BODY, RIGHT)
    assert (status, headers["Retry-After"], json.loads(body)["code"]) == (503, "5", "500")
    assert stage.heard == []


def test_a_crash_of_the_handle_acknowledges_nothing(stage, capfd):
    """sandbox:at-least-once: the portal tells again what was not acknowledged."""
    stage.raises = RuntimeError("a bug of the backend")
    assert stage.send(BODY, RIGHT)[0] == 500
    capfd.readouterr()
    stage.raises = None
    assert stage.code(BODY, RIGHT) == "200"


async def later(fact):
    """A handle that a thread cannot finish."""
    later.heard.append(fact.order_id)


@pytest.mark.parametrize("name", SERVERS)
def test_an_asynchronous_handle_is_awaited_or_refused_never_forgotten(name, capfd):
    """sandbox:at-least-once: an acknowledged grant that never ran is lost for ever."""
    later.heard = []
    stage = Stage(name)
    with SERVERS[name](NOTIFICATIONS, later, BYTES_MAX) as stage.port:
        status, _, body = stage.send(BODY, RIGHT)
    capfd.readouterr()

    if name == "uvicorn":
        assert (status, json.loads(body)["code"], later.heard) == (200, "200", [FIELDS["orderId"]])
    else:
        assert (status, later.heard) == (500, [])


def test_a_slow_handle_holds_up_nobody_else_on_the_event_loop():
    """The check and the handle run in a thread of their own."""
    entered, release = threading.Event(), threading.Event()

    def slow(fact):
        entered.set()
        assert release.wait(10)

    stage = Stage("uvicorn")
    with SERVERS["uvicorn"](NOTIFICATIONS, slow, BYTES_MAX) as stage.port:
        answers = []
        caller = threading.Thread(target=lambda: answers.append(stage.code(BODY, RIGHT)))
        caller.start()
        assert entered.wait(10)
        assert stage.send(None, method="GET", path="/health")[0] == 200
        assert answers == []
        release.set()
        caller.join(10)

    assert answers == ["200"]
