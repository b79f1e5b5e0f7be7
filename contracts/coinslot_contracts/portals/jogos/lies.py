"""What can be wrong with this portal's answers in its own terms: keys, pages of orders, confirmations.

A lie starts from the honest answer, or asks the endpoint again in another way, and changes one thing. What it
says stays well formed, but for lies about form.
clauses   jogos:user.3, jogos:iap.2, jogos:iap.3
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from coinslot_contracts.fault_kinds import FaultKind, LieCase, Param
from coinslot_contracts.json_bytes import JsonInvalid, dump_compact, parse_json_object
from coinslot_contracts.lies import KEY_LIES, Honest, SameView, lie
from coinslot_contracts.portal import Answer, Lie, LieView
from coinslot_contracts.portals.jogos.codes import SYSTEM_ERROR, reply
from coinslot_contracts.portals.jogos.identity import KEY_FORMS
from coinslot_contracts.portals.jogos.signing import SIGNATURE_HEADER, signature
from coinslot_contracts.wire import WireRequest

Members = dict[str, Any]
Change = Callable[[Members, LieCase], Members]

KEY_DOCUMENTS: Final[Mapping[str, Callable[[str], Members]]] = {
    "data-missing": lambda text: {"code": "200", "msg": "Success"},  # noqa: ARG005 - one form for all
    "data-empty": lambda text: {"data": ""},  # noqa: ARG005
    "nested": lambda text: {"data": {"publicKey": text}},
    "public-key": lambda text: {"publicKey": text},
    "envelope": lambda text: {"code": "200", "msg": "Success", "data": text},
    "code-500": lambda text: {"code": SYSTEM_ERROR, "msg": "System error", "data": None},  # noqa: ARG005
}
"""Documents that stand in the place of {"data": the key's text}, all with HTTP status 200."""


def _key_shape(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:
    form, answer = case.params["form"], honest(request, view)
    key = view.published_keys()[0]
    if form in KEY_FORMS:
        return _saying(answer, {"data": KEY_FORMS[form](key.spki_der)})
    text = KEY_FORMS["pem"](key.spki_der)
    return _saying(answer, KEY_DOCUMENTS[form](text))


def _saying(answer: Answer, members: Members) -> Answer:
    """The answer with another body, which is not compressed even where the honest one is."""
    headers = tuple((name, value) for name, value in answer.reply.headers if name != "Content-Encoding")
    return replace(answer, reply=replace(answer.reply, headers=headers, body=dump_compact(members)))


def _of_reply(change: Change) -> Callable[[WireRequest, LieView, Honest, LieCase], Answer]:
    """A lie that changes the members of the honest answer."""

    def tell(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:
        answer = honest(request, view)
        return _saying(answer, change(parse_json_object(answer.reply.body), case))

    return tell


def _of_page(change: Change) -> Callable[[WireRequest, LieView, Honest, LieCase], Answer]:
    """A lie that changes the members of the page, wherever the answer holds it; a refusal has none."""

    def changed(members: Members, case: LieCase) -> Members:
        page = members.get("page")
        if isinstance(page, dict):
            return {**members, "page": change(page, case)}
        return change(members, case) if "total" in members else members

    return _of_reply(changed)


def _rows(page: Members) -> list[Members]:
    content = page.get("content")
    return content if isinstance(content, list) else []


def _order_missing(page: Members, case: LieCase) -> Members:
    rows, wanted = _rows(page), case.params["order"]
    if not rows:
        return page
    missing = rows[0]["orderId"] if wanted is None else wanted
    return {**page, "content": [row for row in rows if row["orderId"] != missing]}


def _duplicate_row(page: Members, case: LieCase) -> Members:
    rows = _rows(page)
    return {**page, "content": [*rows, *rows[:1] * case.params["n"]]} if rows else page


def _total_wrong(page: Members, case: LieCase) -> Members:
    total = max(page["total"] + case.params["by"], 0)
    return {**page, "total": total, "totalPage": -(-total // page["pageSize"])}


def _flag_lag(page: Members, case: LieCase) -> Members:
    lag_s = case.params["lag_s"]
    if not _rows(page) or (lag_s is not None and case.since_s >= lag_s):
        return page
    return {**page, "content": [{**row, "arrivedStatus": 0} for row in _rows(page)]}


class _ShiftedView(SameView):
    """The list as it is after orders came in at its top, or left it, since page 1 was read."""

    def __init__(self, view: LieView, by: int) -> None:
        super().__init__(view)
        self._by = by

    def count_paid_orders(self, game_id: str) -> int:
        """As many more or less as came or left."""
        return max(self._view.count_paid_orders(game_id) + self._by, 0)

    def list_paid_orders(self, game_id: str, *, first: int, limit: int) -> Any:
        """The rows have moved on by as many."""
        return self._view.list_paid_orders(game_id, first=max(first - self._by, 0), limit=limit)


def _page_shift(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:
    if _asked(request).get("pageNo") in (None, 1):
        return honest(request, view)
    return honest(request, _ShiftedView(view, case.params["by"]))


def _page_size_ignored(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:
    return _asked_again(request, view, honest, pageSize=case.params["size"])


def _endless(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:  # noqa: ARG001
    first = _asked_again(request, view, honest, pageNo=1)
    pages = parse_json_object(first.reply.body).get("page", {}).get("totalPage") or 0
    asked = _asked(request).get("pageNo")
    if not pages or not isinstance(asked, int):
        return honest(request, view)
    again = _asked_again(request, view, honest, pageNo=(asked - 1) % pages + 1)
    members = parse_json_object(again.reply.body)
    page = members["page"]
    told = {"total": (asked + 1) * page["pageSize"], "totalPage": asked + 1, "currentPage": asked}
    return _saying(again, {**members, "page": {**page, **told}})


def _asked(request: WireRequest) -> Members:
    try:
        return parse_json_object(request.body)
    except JsonInvalid:
        return {}


def _asked_again(request: WireRequest, view: LieView, honest: Honest, **changes: Any) -> Answer:
    """The answer to the same question with other numbers; a question that is refused stays refused."""
    answer, asked = honest(request, view), _asked(request)
    game = view.find_game(str(asked.get("gameId")))
    if answer.verdict_code != "200" or game is None or game.shared_key is None:
        return answer
    body = dump_compact({**asked, **changes})
    named = SIGNATURE_HEADER.lower()
    kept = tuple((name, value) for name, value in request.headers if name.lower() != named)
    signed = (*kept, (SIGNATURE_HEADER, signature(body, game.shared_key)))
    return honest(replace(request, body=body, headers=signed), view)


def _rejects(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:  # noqa: ARG001
    code = str(case.params["code"])
    return Answer(reply=reply(code), verdict_code=code, verdict_reason="refused, whatever was asked")


def _ok_but_lost(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:  # noqa: ARG001
    return replace(honest(request, view), events=())


_HEADS: Final[Mapping[str, Callable[[str, str], Members]]] = {
    "number": lambda code, said: {"code": int(code) if code.isdigit() else code, "msg": said},
    "message": lambda code, said: {"code": code, "message": said},
    "both": lambda code, said: {"code": code, "msg": said, "message": said},
    "word": lambda code, said: {"code": "SUCCESS" if code == "200" else code, "message": said},
}
"""How code and text may be spelt: the document's examples and tables do not agree (lines 202-203)."""


def _code_type(members: Members, case: LieCase) -> Members:
    said = str(members.get("msg", members.get("message", "")))
    rest = {name: value for name, value in members.items() if name not in ("code", "msg", "message")}
    return {**_HEADS[case.params["form"]](str(members["code"]), said), **rest}


_KEY_SHAPE: Final = FaultKind(
    says="",
    params={"form": Param(form="choice", choices=(*KEY_FORMS, *KEY_DOCUMENTS), required=True)},
    short="form",
)
_CODE_TYPE: Final = lie(
    "code_type",
    _of_reply(_code_type),
    FaultKind(
        says="",
        params={"form": Param(form="choice", choices=tuple(_HEADS), default="number")},
        short="form",
    ),
)


def _one(name: str, **details: Any) -> FaultKind:
    return FaultKind(says="", params={name: Param(**details)}, short=name)


LIES: Final[Mapping[str, Mapping[str, Lie]]] = {
    "jogos.publicKey": {**KEY_LIES, "key_shape": lie("key_shape", _key_shape, _KEY_SHAPE)},
    "jogos.arrivedorder": {
        "arrived_rejects": lie(
            "arrived_rejects",
            _rejects,
            _one("code", form="choice", choices=(305, 40001, 41007, 500), default=500),
        ),
        "arrived_ok_but_lost": lie("arrived_ok_but_lost", _ok_but_lost),
        "code_type": _CODE_TYPE,
    },
    "jogos.getOrders": {
        "order_missing_from_page": lie(
            "order_missing_from_page",
            _of_page(_order_missing),
            _one("order", form="text", least=1, most=255, says="its id; the page's first where left out"),
        ),
        "page_shift": lie(
            "page_shift",
            _page_shift,
            _one(
                "by", form="integer", least=-100, most=100, default=1, says="orders that came; below 0: left"
            ),
        ),
        "page_size_ignored": lie(
            "page_size_ignored",
            _page_size_ignored,
            _one("size", form="integer", least=1, most=100, default=5),
        ),
        "total_wrong": lie(
            "total_wrong",
            _of_page(_total_wrong),
            _one("by", form="integer", least=-10_000, most=10_000, default=1),
        ),
        "duplicate_row": lie(
            "duplicate_row",
            _of_page(_duplicate_row),
            _one("n", form="integer", least=1, most=100, default=1),
        ),
        "endless_list": lie("endless_list", _endless),
        "arrived_flag_lag": lie(
            "arrived_flag_lag",
            _of_page(_flag_lag),
            _one("lag_s", form="number", least=0, most=31 * 86_400, says="until so long after it was set"),
        ),
        "code_type": _CODE_TYPE,
    },
}
"""Endpoint -> kind of fault -> lie."""
