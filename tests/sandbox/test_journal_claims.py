"""Finding, counting and claiming over HTTP: every filter and every claim with the twin that fails."""

import http.client
import json
import threading
import time
from urllib.parse import urlsplit

import pytest


@pytest.fixture
def post(client):
    """POST to the journal's calls through the standard library's own client."""
    place = urlsplit(client.ready["control_url"])

    def send(what, body):
        connection = http.client.HTTPConnection(place.hostname, place.port, timeout=30)
        headers = {"Authorization": f"Bearer {client.ready['control_token']}"}
        connection.request("POST", f"/_control/v1/journal/{what}", json.dumps(body).encode(), headers)
        reply = connection.getresponse()
        value = json.loads(reply.read())
        connection.close()
        return reply.status, value

    return send


@pytest.fixture
def played(shop):
    """One order paid, delivered and reported as arrived; one that is only made. Their ids."""
    paid = shop.order(paid=True)
    shop.await_delivery(paid["delivery"]["delivery_id"], "delivered")
    order = paid["order"]
    shop.arrived(order["order_id"])
    shop.portal(
        "/api/gamepay/webhook/arrivedorder",
        json.dumps({"gameId": int(shop.game_id), "orderId": "x"}).encode(),
        key="another",
    )
    return {
        "order_id": order["order_id"],
        "user_id": order["user_id"],
        "game_id": shop.game_id,
        "delivery_id": paid["delivery"]["delivery_id"],
        "other": shop.order()["order"]["order_id"],
    }


def _found(post, **wanted):
    status, answer = post("find", wanted)
    assert status == 200, answer
    assert post("count", wanted) == (
        200,
        {"count": len(answer["entries"]), "last_seq": answer["last_seq"], "dropped": 0},
    )
    return answer["entries"]


@pytest.mark.parametrize(
    ("wanted", "fails"),
    [
        ({"dir": "out"}, None),
        ({"endpoint": "delivery"}, {"endpoint": "deliver"}),
        ({"portal": "jogos", "dir": "out"}, {"portal": "playgama"}),
        ({"order_id": "{order_id}", "dir": "out"}, {"order_id": "{other}", "dir": "out"}),
        ({"user_id": "{user_id}", "dir": "out"}, {"user_id": "1", "dir": "out"}),
        ({"game_id": "{game_id}", "dir": "out"}, {"game_id": "1", "dir": "out"}),
        ({"delivery_id": "{delivery_id}", "dir": "out"}, {"delivery_id": "x"}),
        ({"status": 200, "dir": "out"}, {"status": 404, "dir": "out"}),
        ({"status": "2xx", "dir": "out"}, {"status": "none", "dir": "out"}),
        ({"verdict": "200", "dir": "out"}, {"verdict": "305", "dir": "out"}),
        ({"method": "POST", "dir": "out"}, {"method": "GET", "dir": "out"}),
        ({"path": "/notify", "dir": "out"}, {"path": "/not", "dir": "out"}),
        ({"header": {"content-type": "application/json"}, "dir": "out"}, {"header": {"X-No": None}}),
        ({"header": {"Authorization": None}, "dir": "out"}, {"header": {"Content-Type": "a/b"}}),
        ({"body": "{order_id}", "dir": "out"}, {"body": "not there"}),
        (
            {"body": {"$.orderId": "{order_id}", "paytype": "pay"}},
            {"body": {"orderId": "{other}"}, "dir": "out"},
        ),
        ({"body": {"$['orderId']": "{order_id}"}, "dir": "out"}, {"body": {"$.orderId[0]": "x"}}),
        ({"reply_body": {"code": "200"}, "dir": "out"}, {"reply_body": {"code": 200}, "dir": "out"}),
        ({"reply_body": "200", "dir": "out"}, {"reply_body": "500", "dir": "out"}),
        ({"since_s": 1, "dir": "out"}, {"since_s": 9e8 * 9, "dir": "out"}),
        ({"until_s": 8e9, "dir": "out"}, {"until_s": 1, "dir": "out"}),
        ({"after": 1, "dir": "out"}, {"after": 2**62, "dir": "out"}),
        ({"before": 2**62, "dir": "out"}, {"before": 1, "dir": "out"}),
    ],
)
def test_a_filter_finds_what_is_there_and_nothing_else(post, played, wanted, fails):
    """sandbox.md, journal: each member of a filter, with one that takes nothing."""

    def filled(value):
        text = json.dumps(value)
        for name, known in played.items():
            text = text.replace("{" + name + "}", known)
        return json.loads(text)

    (entry,) = _found(post, **filled(wanted))

    assert entry["dir"] == "out"
    if fails is not None:
        assert _found(post, **filled(fails)) == []


def test_a_query_finds_the_same(client, post, played):
    """GET /journal takes the filter too, `since_s` among it."""
    (entry,) = client.journal(dir="out")

    assert client.journal(since_s=entry["at_s"], until_s=entry["at_s"], dir="out") == [entry]
    assert client.journal(since_s=entry["at_s"] + 60) == []
    assert client.journal(status="2xx", method="POST", path="/notify", body=played["order_id"]) == [entry]
    assert client.journal(before=entry["seq"], dir="out") == []
    assert client.journal(game_id=played["game_id"], verdict="200", delivery_id=played["delivery_id"]) == [
        entry
    ]


def test_an_entry_shows_json_beside_the_bytes(client, played):
    """Parsed where it is JSON, absent where it is not or where it is large."""
    (entry,) = client.journal(dir="out")
    assert entry["request"]["json"]["orderId"] == played["order_id"]
    assert entry["reply"]["json"]["code"] == "200"

    client.portal("/api/gamepay/getOrders", b'{"a": 1, "a": 2}')
    client.portal("/api/gamepay/getOrders", b'"' + b"x" * 100_000 + b'"')

    assert ["json" in entry["request"] for entry in client.journal(endpoint="jogos.getOrders")] == [
        False,
        False,
    ]


def test_a_limited_find_says_where_to_go_on(client, post):
    """last_seq of a full page is its own last number."""
    for _ in range(3):
        client.player(username="someone")

    _, page = post("find", {"limit": 2})
    _, rest = post("find", {"after": page["last_seq"]})

    assert [entry["seq"] for entry in page["entries"] + rest["entries"]] == [1, 2, 3]


def test_reading_is_not_journalled(client, post):
    """Or waiting would wake itself."""
    for what in ("find", "count", "assert"):
        post(what, {"at_least": 0} if what == "assert" else {})

    assert client.journal() == []


def _claim(post, **claim):
    status, verdict = post("assert", claim)
    assert status == 200, verdict
    return verdict


@pytest.mark.parametrize(
    ("holds", "fails"),
    [
        ({"at_least": 1}, {"at_least": 2}),
        ({"at_most": 1}, {"at_most": 0}),
        ({"exactly": 1}, {"exactly": 2}),
        ({"exactly": 1}, {"exactly": 0}),
        ({"at_least": 1, "at_most": 2}, {"at_least": 2, "at_most": 3}),
    ],
)
def test_entries_are_counted(post, played, holds, fails):
    """at_least, at_most, exactly."""
    wanted = {"endpoint": "jogos.arrivedorder", "order_id": played["order_id"]}

    good, bad = _claim(post, **wanted, **holds), _claim(post, **wanted, **fails)

    assert (good["ok"], good["found"], good["nearest"]) == (True, 1, [])
    assert (bad["ok"], bad["found"]) == (False, 1)
    assert [entry["order_id"] for entry in good["entries"]] == [played["order_id"]]
    assert "found 1, wanted" in bad["says"]


def test_entries_come_in_sequence(post, played):
    """Others may lie between; what comes in another order is told with the numbers."""
    sent = {"dir": "out", "body": {"orderId": played["order_id"]}}
    arrived = {"endpoint": "jogos.arrivedorder", "verdict": "200"}

    good = _claim(post, sequence=[sent, arrived])
    bad = _claim(post, sequence=[arrived, sent])
    missing = _claim(post, sequence=[sent, {"endpoint": "jogos.getOrders"}, arrived])
    scoped = _claim(post, order_id=played["other"], sequence=[sent])

    assert (good["ok"], good["found"], len(good["entries"])) == (True, 2, 2)
    assert (bad["ok"], bad["found"]) == (False, 1)
    assert f"step 2 was seen at #{good['entries'][0]['seq']}, before what must come first" in bad["says"]
    assert (missing["ok"], missing["found"]) == (False, 1)
    assert "step 2 is missing: endpoint jogos.getOrders; step 3 was seen" in missing["says"]
    assert (scoped["ok"], scoped["found"]) == (False, 0)
    assert f"(among order_id {played['other']})" in scoped["says"]


def test_what_must_never_be_is_found(post, played):
    """never, among what the filter around it takes."""
    refused = {"verdict": "41007"}

    assert _claim(post, never={"status": "none"})["ok"]
    assert _claim(post, order_id=played["order_id"], never=refused)["ok"]
    bad = _claim(post, endpoint="jogos.arrivedorder", never=refused)

    assert (bad["ok"], bad["found"], bad["entries"][0]["verdict"]["code"]) == (False, 1, "41007")
    assert bad["says"] == "found 1 of what must never be: verdict 41007 (among endpoint jogos.arrivedorder)"


def test_a_failed_claim_shows_what_is_nearest_and_in_what_it_differs(post, played):
    """As helpful as the best in the field: what was wanted, what was found, what nearly was it."""
    verdict = _claim(
        post,
        dir="out",
        endpoint="delivery",
        status=500,
        body={"orderId": played["order_id"], "paytype": "refund"},
        at_least=1,
    )

    assert (verdict["ok"], verdict["found"], verdict["entries"]) == (False, 0, [])
    best = verdict["nearest"][0]
    assert (best["entry"]["order_id"], best["same"], best["of"]) == (played["order_id"], 3, 5)
    assert best["differs"] == [
        {"member": "status", "wanted": "500", "found": "200"},
        {"member": "body paytype", "wanted": "refund", "found": "pay"},
    ]
    assert "found 0, wanted at least 1: dir out, endpoint delivery, status 500" in verdict["says"]
    assert f'the nearest is #{best["entry"]["seq"]}: status is "200", not "500"' in verdict["says"]


@pytest.mark.parametrize(
    ("claim", "ok"),
    [
        ({"at_least": 3}, True),
        ({"sequence": [{"body": "p0"}, {"body": "p2"}]}, True),
        ({"never": {"body": "p2"}}, False),
        ({"at_most": 2}, False),
        ({"exactly": 2}, False),
    ],
)
def test_a_claim_waits_for_events_and_is_answered_when_it_is_decided(client, post, claim, ok):
    """within_s: woken by entries, long before the time is up."""
    answers = []
    asking = threading.Thread(
        target=lambda: answers.append(_claim(post, endpoint="POST /players", within_s=50, **claim))
    )
    began_s = time.monotonic()
    asking.start()
    for number in range(3):
        client.player(username=f"p{number}")
    asking.join(30)

    assert time.monotonic() - began_s < 25
    assert [answer["ok"] for answer in answers] == [ok]


@pytest.mark.parametrize(
    ("claim", "ok"),
    [
        ({"at_least": 2}, False),
        ({"sequence": [{"body": "p0"}, {"body": "p2"}]}, False),
        ({"never": {"body": "p2"}}, True),
        ({"at_most": 1}, True),
        ({"exactly": 1}, True),
    ],
)
def test_a_claim_that_time_decides_is_answered_when_it_is_up(client, post, claim, ok):
    """The twins of the above: nothing more comes."""
    client.player(username="p0")

    began_s = time.monotonic()
    verdict = _claim(post, endpoint="POST /players", within_s=0.3, **claim)

    assert verdict["ok"] is ok
    assert time.monotonic() - began_s >= 0.3


@pytest.mark.parametrize(
    ("what", "body", "code"),
    [
        ("find", {"endpont": "x"}, "field-unknown"),
        ("find", {"dir": "up"}, "field-invalid"),
        ("find", {"status": 99}, "field-invalid"),
        ("find", {"status": "6xx"}, "field-invalid"),
        ("find", {"status": True}, "field-invalid"),
        ("find", {"body": {"$..a": 1}}, "field-invalid"),
        ("find", {"body": {"*": 1}}, "field-invalid"),
        ("find", {"body": 1}, "field-invalid"),
        ("find", {"header": {"a": 1}}, "field-invalid"),
        ("find", {"since_s": "x"}, "field-invalid"),
        ("find", {"limit": 0}, "field-invalid"),
        ("count", {"limit": 1}, "field-unknown"),
        ("assert", {}, "field-invalid"),
        ("assert", {"at_least": -1}, "field-invalid"),
        ("assert", {"at_least": 1, "exactly": 1}, "field-invalid"),
        ("assert", {"at_least": 2, "at_most": 1}, "field-invalid"),
        ("assert", {"at_least": 1, "never": {}}, "field-invalid"),
        ("assert", {"sequence": []}, "field-invalid"),
        ("assert", {"sequence": [1]}, "field-invalid"),
        ("assert", {"sequence": [{"dirr": "in"}]}, "field-unknown"),
        ("assert", {"never": {"dirr": "in"}}, "field-unknown"),
        ("assert", {"at_least": 1, "within_s": 61}, "field-invalid"),
    ],
)
def test_what_makes_no_sense_is_refused(post, what, body, code):
    """The twins are above."""
    status, problem = post(what, body)

    assert (status, problem["code"]) == (400, code)


@pytest.mark.parametrize("query", ["since_s=x", "status=99", "dirr=in&status=1", "before=x"])
def test_a_query_is_checked_too(client, query):
    """As a body is; what a query has besides is passed over, as everywhere."""
    assert client.refused("GET", f"/journal?{query}") == (400, "field-invalid")
