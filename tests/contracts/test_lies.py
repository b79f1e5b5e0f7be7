"""The lies that portals can tell, as pure functions: each differs from the truth as it says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from coinslot_contracts import delivery_kinds
from coinslot_contracts.domain import Order
from coinslot_contracts.fault_kinds import TRANSPORT_KINDS, FaultKind, Param
from coinslot_contracts.lies import SameView
from coinslot_contracts.portal import Answer, Portal, SigningKey, discover
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_contracts.portals.jogos.lies import KEY_DOCUMENTS
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_contracts.vocabulary import FAULT_KINDS
from coinslot_contracts.wire import WireRequest
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal
from coinslot_testkit.tokens import GAME_ID, spki

JOGOS, PLAYGAMA = discover()["jogos"], discover()["playgama"]
EVERY_LIE = [
    (portal, endpoint.name, name)
    for portal in (JOGOS, PLAYGAMA)
    for endpoint in portal.endpoints
    for name in endpoint.lies
]


def key(kid: str, der: bytes = b"") -> SigningKey:
    return SigningKey(
        kid=kid, algorithm="RS256", spki_der=der or spki(), jwk={"kty": "RSA", "n": kid, "e": "AQAB"}
    )


class LyingPortal(FakePortal):
    """A portal in memory that has rotated its key once."""

    def __init__(self, orders: int = 0) -> None:
        super().__init__()
        self.keys = [key("now")]
        self.before: SigningKey | None = key("before", spki("other"))
        for number in range(orders):
            self.add_order(f"o{number}", external_id=f"x{number}", arrived_status=1)

    def signing_key(self) -> SigningKey:
        return key("now")

    def previous_key(self) -> SigningKey | None:
        return self.before

    def next_key(self) -> SigningKey:
        return key("next", spki("other"))


@dataclass(frozen=True, kw_only=True)
class Case:
    """What a lie is told of the call."""

    params: dict[str, Any] = field(default_factory=dict)
    seen_of_order: int = 1
    since_s: float = 0.0


def tell(
    portal: Portal,
    endpoint: str,
    lie: str,
    view: LyingPortal,
    request: WireRequest,
    given: Any = True,
    **case: Any,
) -> Answer:
    told = portal.endpoint(endpoint)
    kind = told.lies[lie]
    return kind.tell(request, view, told.answer, Case(params=kind.filled(given), **case))


def body_of(answer: Answer) -> dict[str, Any]:
    said: dict[str, Any] = json.loads(answer.reply.body)
    return said


def signed(endpoint: str, members: dict[str, Any]) -> WireRequest:
    body = json.dumps(members).encode()
    headers = (("authorization", signature(body, SHARED_KEY)), ("Host", "x"))
    return WireRequest(method="POST", target=JOGOS.endpoint(endpoint).path, headers=headers, body=body)


GET = WireRequest(method="GET", target="/")


def list_page(
    lie: str, given: Any = True, *, orders: int = 5, page_no: Any = 1, **case: Any
) -> dict[str, Any]:
    asked = {"gameId": int(GAME_ID), "pageNo": page_no, "pageSize": 2}
    view = LyingPortal(orders)
    return body_of(tell(JOGOS, "jogos.getOrders", lie, view, signed("jogos.getOrders", asked), given, **case))


def ids(said: dict[str, Any]) -> list[str]:
    return [row["orderId"] for row in said["page"]["content"]]


def test_a_lie_names_its_kind_and_says_what_it_does():
    """Every lie is in the vocabulary, and none differs from it in words."""
    for portal, endpoint, name in EVERY_LIE:
        assert portal.endpoint(endpoint).lies[name].says == FAULT_KINDS[name]
    assert len(EVERY_LIE) > 25


@pytest.mark.parametrize(
    ("lie", "given", "case", "kids"),
    [
        ("stale_key", True, {}, ["before"]),
        ("rotated_key", True, {}, ["next"]),
        ("key_published_late", True, {}, ["before"]),
        ("key_published_late", 60, {"since_s": 59.0}, ["before"]),
        ("key_published_late", 60, {"since_s": 60.0}, ["now"]),
        ("key_withdrawn_early", True, {}, ["next"]),
        ("key_withdrawn_early", 60, {"since_s": 59.0}, ["now"]),
        ("key_withdrawn_early", 60, {"since_s": 60.0}, ["next"]),
        ("unknown_kid", True, {}, ["another-now"]),
        ("kid_missing", True, {}, [None]),
        ("kid_case", True, {}, ["NOW"]),
        ("kid_duplicate", True, {}, ["now", "now"]),
        ("jwks_empty", True, {}, []),
        ("jwks_extra_keys", True, {}, ["extra-weak", "extra-oct", "extra-enc", "extra-ec", "now"]),
        ("jwks_extra_keys", {"kinds": ("oct",)}, {}, ["extra-oct", "now"]),
    ],
)
def test_a_key_set_is_published_as_the_lie_has_it(lie, given, case, kids):
    """The key that signs is `now`; the lie shows others, other ids, or more."""
    said = body_of(tell(PLAYGAMA, "playgama.jwks", lie, LyingPortal(), GET, given, **case))

    assert [entry.get("kid") for entry in said["keys"]] == kids


def test_without_a_previous_key_the_next_one_stands_for_it():
    """Before the first rotation too, a stale key is a key that nothing was signed with."""
    view = LyingPortal()
    view.before = None
    for lie in ("stale_key", "key_published_late"):
        said = body_of(tell(PLAYGAMA, "playgama.jwks", lie, view, GET))
        assert [entry["kid"] for entry in said["keys"]] == ["next"]


@pytest.mark.parametrize("form", [*KEY_FORMS, *KEY_DOCUMENTS])
def test_a_key_document_takes_every_shape(form):
    """sandbox:key-form, sandbox:key-document"""
    view = LyingPortal()
    view.spoken["key_encoding"] = "gzip"
    request = WireRequest(method="GET", target="/publicKey.json", headers=(("Accept-Encoding", "gzip"),))

    answer = tell(JOGOS, "jogos.publicKey", "key_shape", view, request, form)

    pem = KEY_FORMS["pem"](spki())
    expected = {"data": KEY_FORMS[form](spki())} if form in KEY_FORMS else KEY_DOCUMENTS[form](pem)
    assert body_of(answer) == expected
    assert answer.reply.header("Content-Encoding") is None


def test_the_truth_about_a_list_is_two_rows_of_five():
    """The positive twin of every lie about pages: nothing is shifted by nothing."""
    said = list_page("page_shift", 0)

    assert ids(said) == ["o0", "o1"]
    assert (said["page"]["total"], said["page"]["totalPage"]) == (5, 3)


@pytest.mark.parametrize(
    ("lie", "given", "more", "expected"),
    [
        ("order_missing_from_page", True, {}, ["o1"]),
        ("order_missing_from_page", "o1", {}, ["o0"]),
        ("order_missing_from_page", True, {"orders": 0}, []),
        ("duplicate_row", True, {}, ["o0", "o1", "o0"]),
        ("duplicate_row", 2, {}, ["o0", "o1", "o0", "o0"]),
        ("duplicate_row", True, {"orders": 0}, []),
        ("page_shift", True, {}, ["o0", "o1"]),
        ("page_shift", True, {"page_no": 2}, ["o1", "o2"]),
        ("page_shift", -1, {"page_no": 2}, ["o3", "o4"]),
        ("page_shift", 100, {"page_no": 2}, ["o0", "o1"]),
        ("page_size_ignored", 3, {}, ["o0", "o1", "o2"]),
        ("endless_list", True, {"page_no": 1}, ["o0", "o1"]),
        ("endless_list", True, {"page_no": 4}, ["o0", "o1"]),
        ("endless_list", True, {"page_no": 6}, ["o4"]),
        ("endless_list", True, {"orders": 0}, []),
    ],
)
def test_a_page_holds_the_rows_that_the_lie_says(lie, given, more, expected):
    """jogos:iap.3: five paid orders, two to a page."""
    assert ids(list_page(lie, given, **more)) == expected


def test_an_endless_list_promises_a_page_after_every_page():
    """However far one reads."""
    for page_no in (1, 3, 50):
        page = list_page("endless_list", page_no=page_no)["page"]
        assert (page["currentPage"], page["totalPage"]) == (page_no, page_no + 1)


@pytest.mark.parametrize(("by", "total", "pages"), [(1, 6, 3), (-4, 1, 1), (-100, 0, 0)])
def test_totals_are_told_wrong(by, total, pages):
    """jogos:iap.3; never below none."""
    page = list_page("total_wrong", by)["page"]

    assert (page["total"], page["totalPage"]) == (total, pages)


@pytest.mark.parametrize(("lag_s", "since_s", "status"), [(None, 10**6, 0), (60, 59.0, 0), (60, 60.0, 1)])
def test_delivered_orders_are_listed_as_not_delivered_for_a_while(lag_s, since_s, status):
    """jogos:iap.3"""
    said = list_page("arrived_flag_lag", {"lag_s": lag_s}, since_s=since_s)

    assert {row["arrivedStatus"] for row in said["page"]["content"]} == {status}


@pytest.mark.parametrize(
    "name", [name for name in JOGOS.endpoint("jogos.getOrders").lies if name != "code_type"]
)
@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", b'{"gameId":1}', b'{"gameId":1220,"pageNo":1,"pageSize":2}']
)
def test_a_question_that_is_refused_stays_refused(name, body):
    """A lie about a list must not answer somebody who has no right to it."""
    request = WireRequest(method="POST", target="/", headers=(("Authorization", "0" * 40),), body=body)

    answer = tell(JOGOS, "jogos.getOrders", name, LyingPortal(3), request)

    assert "page" not in body_of(answer)
    assert answer.verdict_code != "200"


def test_a_flat_list_is_lied_about_too():
    """sandbox:orders-answer-shape: total and rows stand at the top."""
    view = LyingPortal(5)
    view.spoken["orders_answer"] = "flat"
    asked = signed("jogos.getOrders", {"gameId": int(GAME_ID), "pageNo": 1, "pageSize": 2})

    assert body_of(tell(JOGOS, "jogos.getOrders", "total_wrong", view, asked, 7))["total"] == 12


def test_a_confirmation_is_refused_or_forgotten():
    """jogos:iap.2: the code, and whether anything happened."""
    asked = signed("jogos.arrivedorder", {"gameId": int(GAME_ID), "orderId": "o0"})
    view = LyingPortal()
    view.add_order("o0")
    honest = JOGOS.endpoint("jogos.arrivedorder").answer(asked, view)

    refused = tell(JOGOS, "jogos.arrivedorder", "arrived_rejects", view, asked)
    lost = tell(JOGOS, "jogos.arrivedorder", "arrived_ok_but_lost", view, asked)

    assert honest.events
    assert (body_of(refused)["code"], refused.events) == ("500", ())
    assert (body_of(lost)["code"], lost.events) == ("200", ())


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (True, {"code": 200, "msg": "Success"}),
        ("message", {"code": "200", "message": "Success"}),
        ("both", {"code": "200", "msg": "Success", "message": "Success"}),
        ("word", {"code": "SUCCESS", "message": "Success"}),
    ],
)
def test_the_code_is_told_in_another_form(form, expected):
    """jogos:iap.3 (lines 202-203)"""
    view = LyingPortal()
    view.add_order("o0")
    asked = signed("jogos.arrivedorder", {"gameId": int(GAME_ID), "orderId": "o0"})

    assert body_of(tell(JOGOS, "jogos.arrivedorder", "code_type", view, asked, form)) == expected


PAID = WireRequest(method="GET", target="/api/v1/payments/verify?orderId=o0&externalId=x0")
NOBODY = WireRequest(method="GET", target="/api/v1/payments/verify?orderId=none&externalId=x0")


@pytest.mark.parametrize(
    ("lie", "given", "case", "success"),
    [
        ("verify_pending", True, {}, False),
        ("verify_not_found", True, {}, False),
        ("verify_mismatch", True, {}, False),
        ("verify_mismatch", {"confirms": True}, {}, True),
        ("verify_says_no_after_yes", True, {"seen_of_order": 1}, True),
        ("verify_says_no_after_yes", True, {"seen_of_order": 2}, False),
    ],
)
def test_a_verification_says_what_the_lie_wants(lie, given, case, success):
    """playgama:3.B: the order is paid, and belongs to this externalId."""
    said = body_of(tell(PLAYGAMA, "playgama.verify", lie, LyingPortal(1), PAID, given, **case))

    assert said["success"] is success
    assert ("orderId" in said) == (given != True and success)  # noqa: E712 - an object is no flag


def test_a_lie_about_an_order_finds_none_where_there_is_none():
    """A lie invents no purchase."""
    answer = tell(PLAYGAMA, "playgama.verify", "verify_pending", LyingPortal(1), NOBODY)

    assert body_of(answer)["success"] is False


def test_success_can_be_a_page_of_html():
    """playgama:3.B: HTTP 200 is not a yes."""
    answer = tell(PLAYGAMA, "playgama.verify", "verify_ok_html", LyingPortal(1), PAID)

    assert answer.reply.status == 200
    assert answer.reply.header("Content-Type") == "text/html; charset=utf-8"
    assert b"<" in answer.reply.body


def test_a_canceled_order_is_told_as_charged_back():
    """playgama:4"""
    view = LyingPortal(1)
    view.orders["o0"] = replace(view.orders["o0"], charged_back=True)
    answer = PLAYGAMA.endpoint("playgama.verify").answer(PAID, view)

    assert body_of(answer)["success"] is False


def test_a_view_of_the_same_answers_the_same():
    """What a lie does not touch is the truth."""
    portal = LyingPortal(3)
    portal.spoken["answer_code"] = "number"
    portal.acknowledged.add("o0")
    same = SameView(portal)

    assert same.find_game(GAME_ID) == portal.game
    assert same.find_order("o0") == portal.orders["o0"]
    assert same.count_paid_orders(GAME_ID) == 3
    assert same.list_paid_orders(GAME_ID, first=1, limit=1) == [portal.orders["o1"]]
    assert same.published_keys() == portal.keys
    assert same.dialect("answer_code") == "number"
    assert same.is_acknowledged("o0")


@pytest.mark.parametrize(
    ("given", "filled"),
    [
        (True, {"a": 1, "b": None}),
        (7, {"a": 7, "b": None}),
        ({"b": 2}, {"a": 1, "b": 2}),
        ({"a": 3, "c": 4}, {"a": 3, "b": None}),
    ],
)
def test_a_fault_is_given_as_true_as_a_value_or_by_its_parameters(given, filled):
    """A bare value is the short parameter's."""
    kind = FaultKind(
        says="", params={"a": Param(form="integer", default=1), "b": Param(form="integer")}, short="a"
    )

    assert kind.filled(given) == filled


def test_kinds_about_one_thing_exclude_each_other():
    """Of each group a sending can have one."""
    assert delivery_kinds.clash({"burst": {}, "gzip": {}}) == ()
    assert delivery_kinds.clash({"gzip": {}, "tampered_field": {}}) == ("tampered_field", "gzip")
    assert set(delivery_kinds.SENDING_KINDS) <= set(delivery_kinds.DELIVERY_KINDS)
    assert set(TRANSPORT_KINDS) <= set(FAULT_KINDS)


def orders_of(**facts: Any) -> Sequence[Order]:
    base = LyingPortal().add_order("o")
    return [replace(base, **facts)]


@pytest.mark.parametrize("portal", [JOGOS, PLAYGAMA, replace(JOGOS, orders=None)])
def test_every_order_has_a_status_and_legal_moves_lead_to_another(portal):
    """sandbox:order-moves: whatever the facts are."""
    life = portal.life
    names = {status.name for status in life.statuses}
    for state in ("created", "pending", "paid", "failed", "canceled", "expired"):
        for refund in (None, 0, 1, 2, 3):
            for arrived in (0, 1):
                for consumed in (False, True):
                    [order] = orders_of(
                        state=state, refund_status=refund, arrived_status=arrived, consumed=consumed
                    )
                    status = life.status(order)
                    assert status in names
                    for move in life.legal(order):
                        assert life.moves[move][status] in names


def test_a_portal_is_found_by_a_name_for_each_environment():
    """The first environment is the portal itself."""
    portal = replace(JOGOS, environments=("production", "test"))

    assert (portal.face("production"), portal.face("test")) == ("jogos", "jogos.test")
