"""Connections in the hands of a script: what goes out, when, how it ends, and whether anybody was there."""

import socket
import threading
import time

import pytest
from coinslot_sandbox.hospice import Script, SocketHospice


@pytest.fixture
def hospice():
    """A hospice that is closed afterwards."""
    made = SocketHospice()
    yield made
    made.stop()


@pytest.fixture
def pair():
    """Our end, and the client's."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    yield ours, theirs
    theirs.close()


def _all(connection):
    data = b""
    while piece := connection.recv(65_536):
        data += piece
    return data


def test_pieces_go_out_in_order_with_their_pauses(hospice, pair):
    """Three pieces, a pause of 0.2 s before the second."""
    ours, theirs = pair
    began_s = time.monotonic()
    hospice.hold(ours, key="k", script=Script(pieces=((0, b"a"), (0.2, b"b"), (0, b"c"))))

    assert _all(theirs) == b"abc"
    assert 0.2 <= time.monotonic() - began_s < 5


def test_a_client_that_left_before_the_first_byte_is_told_of(hospice, pair):
    """`lost` is called; the twin below is not."""
    ours, theirs = pair
    lost = threading.Event()
    theirs.close()
    hospice.hold(ours, key="k", script=Script(pieces=((0, b"a"),)), lost=lost.set)

    assert lost.wait(10)


def test_a_client_that_leaves_during_the_first_pause_is_told_of(hospice, pair):
    """It is noticed at once, not when the pause is over."""
    ours, theirs = pair
    lost = threading.Event()
    hospice.hold(ours, key="k", script=Script(pieces=((600, b"a"),)), lost=lost.set)
    theirs.close()

    assert lost.wait(10)


def test_a_client_that_got_bytes_was_there(hospice, pair):
    """It leaves after the first piece: nothing is lost."""
    ours, theirs = pair
    lost = threading.Event()
    hospice.hold(ours, key="k", script=Script(pieces=((0, b"a"), (600, b"b"))), lost=lost.set)
    assert theirs.recv(1) == b"a"
    theirs.close()
    other, far = socket.socketpair()
    hospice.hold(other, key="k", script=Script(pieces=((0.1, b"z"),)))

    assert _all(far) == b"z"
    far.close()
    assert not lost.is_set()


def test_release_hurries_or_drops(hospice):
    """By key: an answer goes out at once, a silence ends; other keys are left alone."""
    pairs = [socket.socketpair() for _ in range(3)]
    scripts = [
        ("a", Script(pieces=((600, b"answer"),), hurries=True)),
        ("a", Script(pieces=((600, b""),))),
        ("b", Script(pieces=((600, b"answer"),), hurries=True)),
    ]
    for (ours, _), (key, script) in zip(pairs, scripts, strict=True):
        hospice.hold(ours, key=key, script=script)

    hospice.release(["a"])

    assert _all(pairs[0][1]) == b"answer"
    assert _all(pairs[1][1]) == b""
    pairs[2][1].settimeout(0.2)
    with pytest.raises(TimeoutError):
        pairs[2][1].recv(1)
    for _, theirs in pairs:
        theirs.close()


def test_a_reader_that_stops_holds_up_nobody(hospice, pair):
    """One takes nothing of 8 MiB; another is served meanwhile; then the first takes it all."""
    ours, theirs = pair
    hospice.hold(ours, key="k", script=Script(pieces=((0, b"x" * 65_536) for _ in range(128))))
    other, far = socket.socketpair()
    hospice.hold(other, key="k", script=Script(pieces=((0, b"z"),)))

    assert _all(far) == b"z"
    far.close()
    assert len(_all(theirs)) == 8 * 1_048_576


def test_stopping_drops_everything(pair):
    """Whoever waits sees the end; what comes later is closed at once."""
    hospice = SocketHospice()
    ours, theirs = pair
    hospice.hold(ours, key="k", script=Script(pieces=((600, b"a"),), hurries=True))
    hospice.stop()
    late, far = socket.socketpair()
    hospice.hold(late, key="k", script=Script(pieces=((0, b"a"),)))

    assert _all(theirs) == b""
    assert _all(far) == b""
    far.close()


def _broken_after(*sent):
    yield from sent
    raise OverflowError


def _unwilling():
    raise RuntimeError


@pytest.mark.parametrize(
    ("pieces", "heard"),
    [((), b""), (((0, b"a"),), b"a"), (((0.05, b"a"),), b"a")],
    ids=["on-arrival", "after-a-piece", "after-a-pause"],
)
def test_a_script_that_fails_ends_its_own_connection_only(hospice, pair, pieces, heard):
    """Its client sees the end; whoever was there before and whoever comes later is served."""
    ours, theirs = pair
    before, far = socket.socketpair()
    far.settimeout(10)
    hospice.hold(before, key="b", script=Script(pieces=((0.3, b"before"),)))
    hospice.hold(ours, key="k", script=Script(pieces=_broken_after(*pieces)), lost=_unwilling)

    assert _all(theirs) == heard
    assert _all(far) == b"before"
    far.close()
    later, far = socket.socketpair()
    far.settimeout(10)
    hospice.hold(later, key="l", script=Script(pieces=((0, b"later"),)))
    assert _all(far) == b"later"
    far.close()
