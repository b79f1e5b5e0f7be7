"""What no plain client can make a server do: broken streams, hung-up portals, other kinds of connection."""

import asyncio
import io

import pytest
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.demonstrations import compact, notification
from coinslot_verifier import NotificationVerifier, VerifierConfig
from coinslot_verifier.adapters import TOO_LARGE, UNREADABLE, asgi, settle
from coinslot_verifier.adapters.wsgi import read_body

KEY = b"key"
NOTIFICATIONS = NotificationVerifier(VerifierConfig(portal="jogos", game_id="1220", shared_keys=(KEY,)))
BODY = compact(notification("order1", "278"))
SIGNED = [(b"authorization", signature(BODY, KEY).encode())]


class Broken(io.BytesIO):
    """A body that breaks off."""

    def __init__(self, error):
        super().__init__()
        self._error = error

    def read(self, *_):
        raise self._error


class Trickle(io.BytesIO):
    """A body that comes byte by byte."""

    def read(self, size=-1):
        return super().read(min(size, 1))


@pytest.mark.parametrize("error", [OSError("reset"), ValueError("no chunk"), TimeoutError()])
@pytest.mark.parametrize("framing", [{"CONTENT_LENGTH": "5"}, {"wsgi.input_terminated": True}])
def test_a_broken_stream_is_answered_not_crashed_on(error, framing):
    """The portal tells it again; nothing was verified."""
    assert read_body({**framing, "wsgi.input": Broken(error)}, bytes_max=9) is UNREADABLE


def test_a_body_that_comes_in_pieces_is_put_together():
    """A stream may give less than it is asked for."""
    assert read_body({"CONTENT_LENGTH": "5", "wsgi.input": Trickle(b"12345678")}, bytes_max=9) == b"12345"
    assert read_body({"wsgi.input_terminated": True, "wsgi.input": Trickle(b"123")}, bytes_max=9) == b"123"


def test_a_body_that_ends_early_is_what_came():
    """Its signature will tell."""
    assert read_body({"CONTENT_LENGTH": "5", "wsgi.input": io.BytesIO(b"12")}, bytes_max=9) == b"12"


@pytest.mark.parametrize("length", ["9" * 5000, "٣", "+5", " 5", "5.0"])
def test_only_decimal_digits_are_a_length(length):
    """int() takes more than HTTP does."""
    assert read_body({"CONTENT_LENGTH": length, "wsgi.input": io.BytesIO(b"1")}, bytes_max=9) is UNREADABLE


def test_of_a_body_that_never_ends_little_is_read():
    """Bounded memory: the limit and one byte."""
    stream = io.BytesIO(b"x" * 100)

    assert read_body({"CONTENT_LENGTH": "9" * 18, "wsgi.input": stream}, bytes_max=9) is TOO_LARGE
    assert stream.tell() == 10


class Promise:
    """Awaitable, and no coroutine."""

    def __await__(self):
        yield


def test_a_promise_of_a_grant_is_no_grant():
    """sandbox:at-least-once: whatever can be awaited and is not would be acknowledged and lost."""
    headers = [("Authorization", signature(BODY, KEY))]

    with pytest.raises(TypeError, match="asynchronous"):
        settle(NOTIFICATIONS, lambda _: Promise(), headers, BODY)
    assert settle(NOTIFICATIONS, lambda _: "done", headers, BODY) == NOTIFICATIONS.accepted()


def _run(messages, *, headers=SIGNED, scope=None, handle=None):
    """What the ASGI application sends for these messages, and what its handle heard."""
    sent, heard = [], []

    async def play():
        left = iter(messages)

        async def receive():
            return next(left)

        async def send(message):
            sent.append(message)

        app = asgi.CallbackApp(NOTIFICATIONS, handle or heard.append, body_bytes_max=len(BODY))
        await app(scope or {"type": "http", "method": "POST", "headers": headers}, receive, send)

    asyncio.run(play())
    return sent, heard


def test_pieces_of_a_body_are_put_together():
    """ASGI: more_body may be left out, and so may body."""
    pieces = [{"type": "http.request", "body": BODY[:9], "more_body": True}, {"type": "http.request"}]
    sent, heard = _run([*pieces[:1], {"type": "http.request", "body": BODY[9:]}])
    short, nothing = _run(pieces)

    assert (sent[0]["status"], b'"200"' in sent[1]["body"], len(heard)) == (200, True, 1)
    assert (short[0]["status"], b'"41007"' in short[1]["body"], nothing) == (200, True, [])


def test_a_portal_that_hung_up_is_answered_nothing():
    """What came was not whole, whatever its signature."""
    sent, heard = _run(
        [{"type": "http.request", "body": BODY, "more_body": True}, {"type": "http.disconnect"}]
    )

    assert (sent, heard) == ([], [])


@pytest.mark.parametrize("kind", ["websocket", "lifespan"])
def test_anything_but_http_is_somebody_elses(kind):
    """The framework routes; a mistake there is an error for its developer."""
    with pytest.raises(ValueError, match=kind):
        _run([], scope={"type": kind})
