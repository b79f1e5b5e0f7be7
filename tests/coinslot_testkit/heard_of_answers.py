"""Which variant of each dialect of Jogos' answers is heard on the wire, by name of the dialect."""

import json
from collections.abc import Callable
from typing import Any

from coinslot_testkit.dialect_ears import ARRIVED, GET_ORDERS, Ears
from coinslot_testkit.heard_of_notices import emptiness_heard, time_heard

ROW = ("orderId", "arrivedStatus", "payTime", "productId", "userId", "refundStatus", "refundTime")
NUMBERS = ("total", "totalPage", "currentPage", "pageSize", "content")


def arrived_order_id(ears: Ears) -> str:
    """The same order named by a string and by a number."""
    order = ears.order(order_id=f"9{next(ears._games):017d}", paid=True)
    game, order_id = order["game_id"], order["order_id"]
    codes = tuple(ears.arrived(game, value).json["code"] for value in (order_id, int(order_id)))
    known = {("200", "305"): "text", ("305", "200"): "number", ("200", "200"): "text-or-number"}
    assert ears.now(order)["arrivedStatus"] == 1
    return known[codes]


def arrived_unknown(ears: Ears) -> str:
    """The code for an order that is unknown, unpaid, or of another game."""
    game = ears.game()
    wrong = ["unknown", ears.order(game=game)["order_id"], ears.order(paid=True)["order_id"]]
    (code,) = {ears.arrived(game, order_id).json["code"] for order_id in wrong}
    return str(code)


def arrived_repeat(ears: Ears) -> str:
    """The second report of one order."""
    order = ears.order(paid=True)
    first, second = (ears.arrived(order["game_id"], order["order_id"]).json["code"] for _ in range(2))
    assert first == "200"
    return {"200": "accepted", "500": "refused"}[second]


def arrived_refunded(ears: Ears) -> str:
    """The report of a refunded order; of another one it is good."""
    game = ears.game()
    good, refunded = ears.order(game=game, paid=True), ears.order(game=game, paid=True, refundStatus=1)
    assert ears.arrived(game, good["order_id"]).json["code"] == "200"
    return {"200": "accepted", "500": "refused"}[ears.arrived(game, refunded["order_id"]).json["code"]]


def arrived_before_ack(ears: Ears) -> str:
    """The report of an order whose notification was lost; of an acknowledged one it is good."""
    lost = ears.order(paid=True, callback="lost")
    told = ears.client.order(player=ears.player(), game=ears.game(), paid=True)
    ears.client.await_delivery(told["delivery"]["delivery_id"], "delivered")
    assert ears.arrived(told["order"]["game_id"], told["order"]["order_id"]).json["code"] == "200"
    return {"200": "accepted", "500": "refused"}[ears.arrived(lost["game_id"], lost["order_id"]).json["code"]]


def orders_answer(ears: Ears) -> str:
    """The members side by side, and those in page."""
    order = ears.order(paid=True)
    answer = ears.orders(order["game_id"])
    within = answer.get("page", answer)
    assert [row["orderId"] for row in within["content"]] == [order["order_id"]]
    assert {within[name] for name in ("total", "totalPage", "currentPage")} == {1}
    assert answer.get("message", "Logout successful") == "Logout successful"
    known = {
        "example": {"code", "msg", "page"},
        "table": {"code", "message", *NUMBERS},
        "flat": {"code", "msg", *NUMBERS},
        "both": {"code", "msg", "message", "page", *NUMBERS},
    }
    (name,) = [name for name, members in known.items() if members == set(answer)]
    return name


def orders_code(ears: Ears) -> str:
    """code of a page; arrivedorder answers 200 as ever."""
    order = ears.order(paid=True)
    assert ears.arrived(order["game_id"], order["order_id"]).json["code"] == "200"
    return {"200": "code", "SUCCESS": "word"}[ears.orders(order["game_id"])["code"]]


def orders_empty(ears: Ears) -> str:
    """content where there is nothing, and where there is something."""
    assert len(ears.rows(ears.order(paid=True)["game_id"])) == 1
    content = ears.orders(ears.game())["page"].get("content", "left out")
    return "list" if content == [] else {None: "null", "left out": "absent"}[content]


def orders_past_end(ears: Ears) -> str:
    """The third page of one; the first is there."""
    order = ears.order(paid=True)
    assert len(ears.rows(order["game_id"])) == 1
    answer = ears.orders(order["game_id"], page_no=3)
    if answer["code"] == "305":
        return "refused"
    shown = answer["page"]["currentPage"], len(answer["page"]["content"])
    return {(3, 0): "empty", (1, 1): "last-page"}[shown]


def orders_first_page(ears: Ears) -> str:
    """How many rows pages 0 and 1 of one have, and which number they give."""
    game = ears.order(paid=True)["game_id"]
    answers = [ears.orders(game, page_no=number) for number in (-1, 0, 1)]
    shown = [
        (each["page"]["currentPage"], len(each["page"]["content"])) if "page" in each else None
        for each in answers
    ]
    known = {
        (None, None, (1, 1)): "one",
        ((1, 1), (1, 1), (1, 1)): "one-or-less",
        (None, (0, 1), (1, 0)): "zero",
    }
    return known[tuple(shown)]


def orders_page_size(ears: Ears) -> str:
    """What becomes of 101 rows a page, and that three are always three."""
    game = ears.order(paid=True)["game_id"]
    assert ears.orders(game, page_size=3)["page"]["pageSize"] == 3
    answer = ears.orders(game, page_size=101)
    if answer["code"] == "305":
        return "hundred-or-refused"
    return {100: "hundred", 5: "five", 101: "unlimited"}[answer["page"]["pageSize"]]


def orders_sort(ears: Ears) -> str:
    """Three orders, each paid a second later."""
    game = ears.game()
    paid = []
    for _ in range(3):
        paid.append(ears.order(game=game, paid=True)["order_id"])
        ears.client.done("POST", "/clock/advance", {"by_s": 1})
    pages = [ears.orders(game, page_no=number, page_size=2)["page"] for number in (1, 2)]
    listed = [row["orderId"] for page in pages for row in page["content"]]
    assert [(page["total"], page["totalPage"]) for page in pages] == [(3, 2)] * 2
    return {tuple(paid): "oldest-first", tuple(reversed(paid)): "newest-first"}[tuple(listed)]


def orders_listed(ears: Ears) -> str:
    """A paid order, one that is refunded, one that is delivered."""
    game = ears.game()
    plain = ears.order(game=game, paid=True)["order_id"]
    refunded = ears.order(game=game, paid=True, refundStatus=1)["order_id"]
    delivered = ears.order(game=game, paid=True, arrivedStatus=1)["order_id"]
    page = ears.orders(game)["page"]
    listed = frozenset(row["orderId"] for row in page["content"])
    assert page["total"] == len(listed)
    known = {
        frozenset((plain, refunded, delivered)): "paid",
        frozenset((plain, delivered)): "not-refunded",
        frozenset((plain, refunded)): "not-delivered",
    }
    return known[listed]


def _row(ears: Ears, **wish: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    order = ears.now(ears.order(paid=True, **wish))
    (row,) = ears.rows(order["game_id"])
    return order, row


def orders_ids(ears: Ears) -> str:
    """userId of a row."""
    _, row = _row(ears)
    assert str(row["userId"]) == "257"
    return {int: "number", str: "text"}[type(row["userId"])]


def orders_times(ears: Ears) -> str:
    """payTime and refundTime of a row."""
    order, row = _row(ears, refundStatus=1)
    heard = {
        time_heard(row["payTime"], order["paid_at_s"]),
        time_heard(row["refundTime"], order["refunded_at_s"]),
    }
    (name,) = heard
    return name


def orders_refund_fields(ears: Ears) -> str:
    """Of a row that was not refunded; one that was has them."""
    order, refunded = _row(ears, refundStatus=1)
    assert (refunded["refundStatus"], refunded["refundTime"]) == (1, order["refunded_at_s"])
    return emptiness_heard(_row(ears)[1])


def orders_extra(ears: Ears) -> str:
    """What a row has beside the documented members."""
    (order, row), (_, refunded) = _row(ears), _row(ears, refundStatus=1)
    assert tuple(row)[: len(ROW)] == ROW
    extra = {name: value for name, value in row.items() if name not in ROW}
    if not extra:
        return "absent"
    assert extra == {"gameId": int(order["game_id"]), "createTime": order["created_at_s"], "paytype": "pay"}
    assert refunded["paytype"] == "refund"
    return "present"


def judgement(ears: Ears) -> str:
    """Which of several mistakes is told: in fields, game and signature."""
    game = int(ears.game())
    said = [
        ears.ask(GET_ORDERS, members, signature=signature).json["code"]
        for members, signature in (
            ({"gameId": 1}, "wrong"),
            ({"gameId": game}, "wrong"),
            ({"gameId": 1, "pageNo": 1, "pageSize": 1}, "wrong"),
            ({"gameId": game}, None),
            ({"pageNo": 1, "pageSize": 1}, None),
            ({"gameId": game, "pageNo": 1, "pageSize": 1}, "wrong"),
            ({"gameId": game, "pageNo": 1, "pageSize": 1}, None),
        )
    ]
    known = {
        ("305", "305", "40001", "305", "305", "41007", "200"): "fields-first",
        ("40001", "41007", "40001", "305", "305", "41007", "200"): "game-first",
        ("41007", "41007", "41007", "305", "41007", "41007", "200"): "signature-first",
    }
    return known[tuple(said)]


def answer_status(ears: Ears) -> str:
    """The HTTP status beside each code."""
    game = int(ears.game())
    replies = [
        ears.ask(ARRIVED, {"gameId": game}),
        ears.ask(ARRIVED, {"gameId": 1, "orderId": "x"}),
        ears.ask(ARRIVED, {"gameId": game, "orderId": "x"}, signature="wrong"),
        ears.ask(ARRIVED, {"gameId": game, "orderId": "x"}),
        ears.ask(GET_ORDERS, {"gameId": game, "pageNo": 1, "pageSize": 1}),
    ]
    assert [reply.json["code"] for reply in replies] == ["305", "40001", "41007", "500", "200"]
    known = {(200, 200, 200, 200, 200): "always-200", (400, 404, 401, 500, 200): "http"}
    return known[tuple(reply.status for reply in replies)]


def answer_code(ears: Ears) -> str:
    """Its type in successes and refusals of both calls."""
    order = ears.order(paid=True)
    game = order["game_id"]
    codes = [ears.arrived(game, name).json["code"] for name in (order["order_id"], "unknown")]
    codes += [ears.orders(game)["code"], ears.orders(game, page_no=0)["code"]]
    known = {("200", "500", "200", "305"): "text", (200, 500, 200, 305): "number"}
    return known[tuple(codes)]


def answer_text(ears: Ears) -> str:
    """Where the text stands in a success and in a refusal."""
    order = ears.order(paid=True)
    good, bad = (ears.arrived(order["game_id"], name).json for name in (order["order_id"], "unknown"))
    assert {good[name] for name in ("msg", "message") if name in good} == {"Success"}
    assert set(good) == set(bad)
    known = {("code", "msg"): "msg", ("code", "message"): "message", ("code", "msg", "message"): "both"}
    return known[tuple(good)]


def answer_type(ears: Ears) -> str:
    """Of publicKey.json and of both calls."""
    game = int(ears.game())
    replies = [ears.key_reply(), ears.ask(ARRIVED, {"gameId": game}), ears.ask(GET_ORDERS, {"gameId": game})]
    assert all(json.loads(reply.body) for reply in replies)
    (told,) = {reply.headers.get("Content-Type") for reply in replies}
    known = {
        "application/json": "json",
        "application/json; charset=utf-8": "json-charset",
        "text/plain": "text",
        None: "absent",
    }
    return known[told]


HEARD_OF_ANSWERS: dict[str, Callable[[Ears], str]] = {
    look.__name__: look
    for look in (
        arrived_order_id,
        arrived_unknown,
        arrived_repeat,
        arrived_refunded,
        arrived_before_ack,
        orders_answer,
        orders_code,
        orders_empty,
        orders_past_end,
        orders_first_page,
        orders_page_size,
        orders_sort,
        orders_listed,
        orders_ids,
        orders_times,
        orders_refund_fields,
        orders_extra,
        judgement,
        answer_status,
        answer_code,
        answer_text,
        answer_type,
    )
}
