"""The part of the control API's document about deliveries and hand-made callbacks."""

from collections.abc import Mapping
from typing import Any, Final

from coinslot_contracts.delivery_kinds import SENDING_KINDS
from coinslot_contracts.fault_kinds import FaultKind, Param
from coinslot_contracts.vocabulary import ACK_RULES, ENCODINGS, SIGNATURE_DEFECTS

from coinslot_sandbox.control import schema
from coinslot_sandbox.control.call import LIST_DEFAULT, LIST_MAX
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.openapi_operation import Operation
from coinslot_sandbox.control.openapi_schemas import (
    FLAG,
    HEADERS,
    INTEGER,
    MESSAGE,
    NUMBER,
    TEXT,
    Schema,
    between,
    explained,
    header_text,
    listed,
    named,
    nullable,
    ref,
    shape,
    text,
)
from coinslot_sandbox.control.schema_mail import KINDS, MOMENT_S_MAX, RESEND_MODES, STATES

_MOMENT: Final = {**NUMBER, "minimum": 0, "maximum": MOMENT_S_MAX}
_IDS: Final = listed(TEXT)


def _query(name: str, values: Schema, says: str = "") -> dict[str, Any]:
    shown = {"name": name, "in": "query", "schema": values}
    return {**shown, "description": says} if says else shown


_FILTERS: Final = (
    _query("order", TEXT),
    _query("game", TEXT),
    _query("state", named(STATES)),
    _query("kind", named(KINDS)),
    _query("held", named(("true", "false"))),
    _query("since_s", _MOMENT, "made at or after this moment of the schedule"),
    _query("until_s", _MOMENT, "made at or before it"),
    _query("after", TEXT, "behind the delivery of this id"),
    _query("sort", named(("oldest", "newest"))),
    _query("limit", {"type": "integer", "minimum": 1, "maximum": LIST_MAX, "default": LIST_DEFAULT}),
)

OPERATIONS: Final = (
    Operation(
        method="get",
        path="/deliveries",
        summary="Deliveries in the order of their making",
        query=_FILTERS,
        answers={200: shape({"deliveries": listed(ref("Delivery"))})},
    ),
    Operation(
        method="get",
        path="/deliveries/{deliveryId}",
        summary="One delivery: its bytes, what was signed, and each attempt with its answer",
        answers={200: ref("DeliveryDetail")},
    ),
    Operation(
        method="post",
        path="/deliveries/{deliveryId}/resend",
        summary="Send a delivery once more, exact or rebuilt, good or misdelivered; wait for the answers",
        body="Resend",
        body_optional=True,
        answers={200: ref("DeliveryDetail")},
        can_conflict=True,
    ),
    Operation(
        method="post",
        path="/deliveries/{deliveryId}/cancel",
        summary="Cancel a delivery that is pending; it can still be resent",
        body="Nothing",
        body_optional=True,
        answers={200: ref("DeliveryDetail")},
        can_conflict=True,
    ),
    Operation(
        method="post",
        path="/deliveries/recover",
        summary="Let deliveries that were made since a moment and have failed begin anew, retries and all",
        body="Recover",
        answers={200: shape({"recovered": _IDS})},
    ),
    Operation(
        method="post",
        path="/deliveries/hold",
        summary="Hold what is pending and what will come, of one order or of all",
        body="Hold",
        body_optional=True,
        answers={200: shape({"held": _IDS})},
    ),
    Operation(
        method="post",
        path="/deliveries/release",
        summary="Let go of n held ones, oldest first, one, an order's, or all; the last two end the hold",
        body="Release",
        answers={200: shape({"released": _IDS})},
    ),
    Operation(
        method="post",
        path="/callbacks",
        summary="Send a hand-made callback, exactly `copies` times, and wait for the answers",
        body="Callback",
        answers={200: shape({"delivery": ref("Delivery"), "attempts": listed(ref("Attempt"))})},
        can_conflict=True,
    ),
)


def requests(context: Context) -> Schema:  # noqa: ARG001 - one form for all areas
    """Schemas of bodies about deliveries."""
    optional: tuple[str, ...] = ()
    whole = {"type": "integer", "minimum": 1}
    copies = {"copies": {**whole, "maximum": schema.COPIES_MAX}, "at_once": FLAG}
    return {
        "Callback": _callback(copies),
        "Misdelivery": misdelivery(),
        "Resend": shape(
            {"mode": named(RESEND_MODES), "with": ref("Misdelivery"), **copies}, required=optional
        ),
        "Recover": shape(
            {"since_s": _MOMENT, "until_s": _MOMENT, "only_failed": FLAG}, required=("since_s",)
        ),
        "Hold": shape({"order": text(schema.ID_CHARS_MAX)}, required=optional),
        "Release": {
            "anyOf": [
                shape({"n": {**whole, "maximum": 1_000_000}}),
                shape({"delivery": text(schema.ID_CHARS_MAX)}),
                shape({"order": text(schema.ID_CHARS_MAX)}),
                shape({"all": {"const": True}}),
            ]
        },
    }


def misdelivery() -> Schema:
    """What can be wrong with what is sent now: several kinds, of those about one thing only one."""
    kinds = {name: {"description": kind.says, **_kind(kind)} for name, kind in SENDING_KINDS.items()}
    return shape(kinds, required=())


def _kind(kind: FaultKind) -> Schema:
    params = {name: _param(param) for name, param in kind.params.items()}
    required = [name for name, param in kind.params.items() if param.required]
    forms = [shape(params, required=required)]
    if not required:
        forms.append({"const": True})
    if kind.short is not None:
        forms.append(params[kind.short])
    return {"anyOf": forms}


def _param(param: Param) -> Schema:
    if param.form == "choice":
        return named(param.choices)
    if param.form == "text":
        return text(int(param.most))
    if param.form == "header":
        return header_text(int(param.least), int(param.most))
    if param.form == "integer":
        return {"type": "integer", "minimum": int(param.least), "maximum": int(param.most)}
    return between(param.least, param.most)


def _callback(copies: Mapping[str, Schema]) -> Schema:
    built = {
        "set": {"type": "object", "description": "members to replace or to add"},
        "drop": listed(text(1024)),
        "encode": explained(ENCODINGS),
    }
    raw = {"type": "string", "maxLength": schema.RAW_CHARS_MAX}
    return shape(
        {
            "order": text(255),
            "type": named(KINDS),
            "body": {"anyOf": [shape({"raw": raw}), shape(built, required=())]},
            "signature": explained(SIGNATURE_DEFECTS),
            "headers": HEADERS,
            **copies,
            "timeout_s": between(*schema.TIMEOUT_S),
            "url": {**text(schema.URL_CHARS_MAX), "format": "uri"},
            "with": ref("Misdelivery"),
        },
        required=("order", "type"),
    )


def resources() -> Schema:
    """Schemas of what we answer about deliveries."""
    signed = shape({"body_b64": TEXT, "secret": TEXT, "formula": TEXT})
    detail = {**_delivery(), "string_to_sign": signed, "attempts": listed(ref("Attempt"))}
    return {"Delivery": shape(_delivery()), "DeliveryDetail": shape(detail), "Attempt": _attempt()}


def _delivery() -> dict[str, Schema]:
    return {
        "delivery_id": TEXT,
        "portal": TEXT,
        "game_id": TEXT,
        "order_id": TEXT,
        "kind": named(KINDS),
        "url": nullable(TEXT),
        "mode": named(("scheduled", "lost", "manual")),
        "state": named(STATES),
        "held": FLAG,
        "waits_for": nullable(TEXT),
        "fault_id": nullable(TEXT),
        "body_b64": TEXT,
        "signature_header": nullable(TEXT),
        "retry": listed(NUMBER),
        "timeout_s": NUMBER,
        "ack_rule": explained(ACK_RULES),
        "terminal_codes": listed(TEXT),
        "attempts_made": INTEGER,
        "next_at_s": nullable(NUMBER),
        "due_at_s": nullable(NUMBER),
        "created_at_s": NUMBER,
    }


def _attempt() -> Schema:
    ack = shape({"accepted": FLAG, "code": nullable(TEXT), "reason": TEXT, "note": nullable(TEXT)})
    timing = {"connect_ms": nullable(NUMBER), "ttfb_ms": nullable(NUMBER), "total_ms": NUMBER}
    return shape(
        {
            "attempt": INTEGER,
            "at_s": NUMBER,
            "schedule_at_s": NUMBER,
            "elapsed_ms": NUMBER,
            "timing": shape(timing),
            "request": shape({"method": TEXT, "target": TEXT, **MESSAGE}),
            "reply": nullable(shape({"status": INTEGER, **MESSAGE})),
            "error": nullable(TEXT),
            "ack": ack,
            "cause": named(("schedule", "advance", "recover", "resend", "manual", "fault")),
            "fault_id": nullable(TEXT),
            "journal_seq": INTEGER,
        }
    )
