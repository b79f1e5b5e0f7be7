"""The journal taken away: HAR by the format's required members, JSON lines, forgetting, dropped entries."""

import base64
import json
from datetime import datetime
from urllib.parse import urlsplit

import pytest
import urllib3
from coinslot_sandbox import Sandbox, SandboxSettings, SandboxStartError
from coinslot_sandbox.har import har_entry, har_pieces
from coinslot_sandbox.journal_entries import Excerpt, Gap, widened
from coinslot_testkit.event_stream import EventStream
from coinslot_testkit.sandbox_client import SandboxClient
from coinslot_testkit.waiting import until

NAMED = {"name": str, "value": str}
REQUEST = {
    "method": str,
    "url": str,
    "httpVersion": str,
    "cookies": list,
    "headers": list,
    "queryString": list,
    "headersSize": int,
    "bodySize": int,
}
RESPONSE = {
    "status": int,
    "statusText": str,
    "httpVersion": str,
    "cookies": list,
    "headers": list,
    "content": dict,
    "redirectURL": str,
    "headersSize": int,
    "bodySize": int,
}
ENTRY = {
    "startedDateTime": str,
    "time": (int, float),
    "request": dict,
    "response": dict,
    "cache": dict,
    "timings": dict,
}


def _check(value, required, optional=()):
    """HAR 1.2: every required member with its type; others only where the format has them or with a `_`."""
    for name, kind in required.items():
        assert isinstance(value[name], kind), (name, value[name])
    others = [name for name in value if name not in required and not name.startswith("_")]
    assert set(others) <= {*optional, "comment"}, others


def _check_har(har):
    assert har.keys() == {"log"}
    _check(har["log"], {"version": str, "creator": dict, "entries": list}, ("browser", "pages"))
    assert har["log"]["version"] == "1.2"
    _check(har["log"]["creator"], {"name": str, "version": str})
    for entry in har["log"]["entries"]:
        _check(entry, ENTRY, ("pageref", "serverIPAddress", "connection"))
        assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
        _check(entry["timings"], dict.fromkeys(("send", "wait", "receive"), (int, float)))
        assert sum(entry["timings"].values()) == entry["time"]
        request, response = entry["request"], entry["response"]
        _check(request, REQUEST, ("postData",))
        _check(response, RESPONSE)
        assert urlsplit(request["url"]).scheme
        assert urlsplit(request["url"]).netloc
        _check(response["content"], {"size": int, "mimeType": str}, ("compression", "text", "encoding"))
        if "postData" in request:
            _check(request["postData"], {"mimeType": str, "params": list, "text": str}, ("encoding",))
        for pair in (*request["headers"], *response["headers"], *request["queryString"]):
            _check(pair, NAMED)


@pytest.fixture
def played(shop):
    """An order paid, delivered and reported; the key fetched with a query. The client."""
    delivery = shop.order(paid=True)["delivery"]
    shop.await_delivery(delivery["delivery_id"], "delivered")
    shop.arrived(delivery["order_id"])
    shop.send("GET", shop.ready["jogos"]["web_url"] + "/publicKey.json?a=%20b&c=")
    return shop


def test_the_archive_has_what_the_format_requires(played):
    """HAR 1.2, both directions and control, in the order of the journal."""
    reply = played.control("GET", "/journal.har")
    har = reply.json

    _check_har(har)
    entries = har["log"]["entries"]
    assert reply.headers["Content-Disposition"] == 'attachment; filename="journal.har"'
    assert [entry["_coinslot"]["seq"] for entry in entries] == [
        entry["seq"] for entry in played.done("GET", "/journal")["entries"]
    ]
    assert {entry["_coinslot"]["dir"] for entry in entries} == {"in", "out", "control"}


def test_an_entry_of_the_archive_says_what_crossed_the_wire(played):
    """Address, query, body and verdict."""
    entries = played.control("GET", "/journal.har").json["log"]["entries"]
    out = next(entry for entry in entries if entry["_coinslot"]["dir"] == "out")
    fetched = entries[-1]

    assert json.loads(out["request"]["postData"]["text"])["orderId"] == out["_coinslot"]["order_id"]
    assert out["request"]["url"].endswith("/notify")
    assert out["response"]["status"] == 200
    assert json.loads(out["response"]["content"]["text"])["code"] == "200"
    assert fetched["request"]["queryString"] == [{"name": "a", "value": " b"}, {"name": "c", "value": ""}]
    assert fetched["request"]["url"].startswith(played.ready["jogos"]["web_url"])


def test_an_archive_may_be_of_a_part(played):
    """The filters of GET /journal."""
    entries = played.control("GET", "/journal.har?dir=out").json["log"]["entries"]

    assert [entry["_coinslot"]["dir"] for entry in entries] == ["out"]


def test_an_empty_archive_is_one(client):
    """No entries."""
    har = client.control("GET", "/journal.har").json

    _check_har(har)
    assert har["log"]["entries"] == []


def test_what_was_never_answered_and_what_is_no_text_have_their_form(client):
    """Status 0 with the reason, Base64 with its name."""
    client.done("POST", "/faults", {"at": "jogos.getOrders", "with": {"reset": True}})
    with pytest.raises(urllib3.exceptions.ProtocolError):
        client.portal("/api/gamepay/getOrders", b"\xff\xfe")

    har = client.control("GET", "/journal.har?dir=in").json
    (entry,) = har["log"]["entries"]

    _check_har(har)
    assert (entry["response"]["status"], entry["response"]["_error"]) == (0, "reset")
    assert entry["request"]["postData"]["encoding"] == "base64"
    assert base64.b64decode(entry["request"]["postData"]["text"]) == b"\xff\xfe"


def test_gaps_are_told_in_the_archive(played):
    """log.comment."""
    whole = json.loads(
        b"".join(har_pieces([Excerpt(entries=[], gaps=[Gap(dropped=3, before_seq=4)])], version="1"))
    )

    assert whole["log"]["comment"] == "3 entries dropped before #4"
    assert har_entry(played.done("GET", "/journal")["entries"][0])["cache"] == {}


@pytest.mark.parametrize("name", ["journal.har", "journal.jsonl"])
def test_no_secret_leaves_with_an_export(played, name):
    """sandbox.md, guardrails: what is exported holds no shared key and no control token."""
    played.set_game(shared_key="the-second-shared-key")
    played.done("POST", "/tokens", {"player": played.player(username="someone")})
    place = f"{played.ready['jogos']['web_url']}/publicKey.json?k={played.shared_key}"
    played.send("GET", place, headers={"X-Key": "the-second-shared-key"}, body=b"the-second-shared-key")

    text = played.control("GET", f"/{name}").body.decode()

    for secret in (played.shared_key, "the-second-shared-key", played.ready["control_token"]):
        assert secret not in text
        assert base64.b64encode(secret.encode()).decode() not in text
    assert "/publicKey.json?k=***" in text


def test_lines_hold_the_same_as_the_list(played):
    """One entry on each line."""
    reply = played.control("GET", "/journal.jsonl?dir=in")

    lines = [json.loads(line) for line in reply.body.splitlines()]
    assert lines == played.journal(dir="in")
    assert reply.headers["Content-Type"] == "application/jsonl"


def test_the_journal_can_be_forgotten(played):
    """DELETE /journal: orders and deliveries stay, numbers go on, and the call itself is the first entry."""
    last_seq = played.done("GET", "/journal")["last_seq"]

    assert played.done("DELETE", "/journal") == {"last_seq": last_seq}

    (entry,) = played.journal()
    assert (entry["seq"], entry["endpoint"]) == (last_seq + 1, "DELETE /journal")
    assert len(played.done("GET", "/orders")["orders"]) == 1


@pytest.fixture
def small(tmp_path):
    """A client of a sandbox that keeps a hundred entries."""
    settings = SandboxSettings(
        port=0, control_port=0, seed=7, journal_entries=100, store=tmp_path / "kept.sqlite"
    )
    with Sandbox(settings) as sandbox:
        client = SandboxClient(sandbox.ready)
        yield client
        client.pool.clear()


def test_what_was_dropped_leaves_a_mark(small):
    """The cap: `dropped` and where, in the list, the lines, the archive, the stream and verdicts."""
    for _ in range(99):
        small.player(username="someone")
    assert small.done("GET", "/journal")["dropped"] == 0
    for _ in range(51):
        small.player(username="someone")
    until(lambda: len(small.done("GET", "/journal")["entries"]) <= 100)  # trimmed when a group is written

    listed = small.done("GET", "/journal")
    assert listed["last_seq"] == 150
    (gap,) = listed["gaps"]
    assert gap == {"dropped": listed["dropped"], "before_seq": listed["entries"][0]["seq"]}
    assert len(listed["entries"]) + listed["dropped"] == 150
    lines = small.control("GET", "/journal.jsonl").body.splitlines()
    assert json.loads(lines[0]) == gap
    assert f"{gap['dropped']} entries dropped" in small.control("GET", "/journal.har").json["log"]["comment"]
    verdict = small.done("POST", "/journal/assert", {"endpoint": "POST /players", "exactly": 150})
    assert not verdict["ok"]
    assert f"{gap['dropped']} older entries were dropped" in verdict["says"]
    stream = EventStream(small.ready, "?after=3")
    first, second = stream.events(2)
    stream.close()
    assert (first.kind, first.id, first.data) == ("dropped", None, gap)
    assert second.id == gap["before_seq"]
    after_it = small.done("GET", f"/journal?after={gap['before_seq']}")
    assert after_it["gaps"] == []


@pytest.mark.parametrize(
    ("gaps", "dropped", "from_seq", "before_seq", "expected"),
    [
        ([], 5, 0, 6, [(5, 6)]),
        ([(5, 6)], 4, 0, 10, [(9, 10)]),
        ([(5, 6)], 4, 20, 24, [(5, 6), (4, 24)]),
        ([(5, 6), (4, 24)], 2, 24, 26, [(5, 6), (6, 26)]),
        ([(5, 6), (4, 24)], 30, 0, 40, [(39, 40)]),
    ],
)
def test_gaps_that_touch_become_one(gaps, dropped, from_seq, before_seq, expected):
    """What is between two gaps was dropped with them."""
    known = [Gap(dropped=count, before_seq=seq) for count, seq in gaps]

    merged = widened(known, dropped=dropped, from_seq=from_seq, before_seq=before_seq)

    assert [(gap.dropped, gap.before_seq) for gap in merged] == expected


def test_gaps_are_bounded_and_lose_no_count():
    """A store that fails again and again leaves at most a hundred marks."""
    gaps = []
    for number in range(1, 300):
        gaps = widened(gaps, dropped=1, from_seq=number * 10, before_seq=number * 10 + 1)

    assert len(gaps) == 100
    assert sum(gap.dropped for gap in gaps) == 299


@pytest.mark.parametrize("cap", [{"journal_entries": 99}, {"journal_bytes": 1_000_000}])
def test_a_journal_that_keeps_nothing_is_refused(cap):
    """One line and exit code 2; the twin is above."""
    with pytest.raises(SandboxStartError, match="keeps too little") as refused:
        Sandbox(SandboxSettings(**cap))

    assert refused.value.exit_code == 2
