"""The calls about the journal in the OpenAPI document, with the schemas of filters, entries and verdicts."""

from typing import Any, Final

from coinslot_sandbox.control.call import LIST_DEFAULT, LIST_MAX
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.journal_calls import STREAM_S_MAX, WAIT_S_DEFAULT, WAIT_S_MAX
from coinslot_sandbox.control.openapi_operation import Operation
from coinslot_sandbox.control.openapi_schemas import (
    FLAG,
    INTEGER,
    NUMBER,
    TEXT,
    Schema,
    between,
    listed,
    named,
    nullable,
    ref,
    shape,
    text,
)
from coinslot_sandbox.control.schema_journal import (
    COUNT_MAX,
    COUNTS,
    DIRECTIONS,
    PLACES_MAX,
    QUERY,
    SEQ_MAX,
    SOUGHT_CHARS_MAX,
    STATUS_FORM,
    STEPS_MAX,
    TIME_S_MAX,
    WITHIN_S_MAX,
)
from coinslot_sandbox.journal_filter import MEMBERS
from coinslot_sandbox.journal_paths import PATH_FORM

_COUNT: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": COUNT_MAX}
_SEQ: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": SEQ_MAX}
_STATUS: Final[Schema] = {
    "type": "string",
    "pattern": STATUS_FORM,
    "description": "of the reply: a number, a class like 4xx, or none where there was no reply",
}
_SOUGHT: Final[Schema] = {
    "description": "a text that it holds, or values at places of its JSON, like $.order.items[0].id",
    "anyOf": [
        {"type": "string", "minLength": 1, "maxLength": SOUGHT_CHARS_MAX},
        {"type": "object", "propertyNames": {"pattern": PATH_FORM}, "maxProperties": PLACES_MAX},
    ],
}


def _members() -> dict[str, Schema]:
    """The members of a filter."""
    time_s = between(0, TIME_S_MAX)
    return {
        **dict.fromkeys(MEMBERS, text(1024)),
        "dir": named(DIRECTIONS),
        "status": {"anyOf": [_STATUS, {"type": "integer", "minimum": 100, "maximum": 599}]},
        "verdict": {**text(1024), "description": "the code of the verdict"},
        "method": text(1024),
        "path": {**text(1024), "description": "of the request, without its query"},
        "header": {
            "type": "object",
            "description": "headers of the request; null where any value will do",
            "additionalProperties": nullable(TEXT),
            "maxProperties": PLACES_MAX,
        },
        "body": _SOUGHT,
        "reply_body": _SOUGHT,
        "after": {**_SEQ, "description": "entries after this number"},
        "before": {**_SEQ, "description": "entries before this number"},
        "since_s": {**time_s, "description": "entries from this time on, in seconds since 1970"},
        "until_s": {**time_s, "description": "entries up to this time, in seconds since 1970"},
    }


def _parameter(name: str, schema: Schema) -> dict[str, Any]:
    says = {"description": schema["description"]} if "description" in schema else {}
    plain = {key: value for key, value in schema.items() if key != "description"}
    return {"name": name, "in": "query", **says, "schema": plain}


_QUERY: Final = tuple(
    _parameter(name, schema)
    for name, schema in {**_members(), "status": _STATUS, "body": text(1024)}.items()
    if name in QUERY
)
_AFTER: Final = _parameter("after", {**_SEQ, "default": 0, "description": "entries after this number"})
_LIMIT: Final = _parameter(
    "limit", {"type": "integer", "minimum": 1, "maximum": LIST_MAX, "default": LIST_DEFAULT}
)
_BYTES: Final[Schema] = {"type": "string", "format": "binary"}

OPERATIONS: Final = (
    Operation(
        method="get",
        path="/journal",
        summary="Journal entries that a filter takes, oldest first",
        query=(*_QUERY, _LIMIT),
        answers={200: ref("Journal")},
    ),
    Operation(
        method="delete",
        path="/journal",
        summary="Forget every entry; the numbers go on",
        answers={200: shape({"last_seq": INTEGER})},
    ),
    Operation(
        method="get",
        path="/journal/wait",
        summary="As the list, once there is something after a number or time is up",
        query=(
            _AFTER,
            _LIMIT,
            _parameter("timeout_s", {**between(0, WAIT_S_MAX), "default": WAIT_S_DEFAULT}),
        ),
        answers={200: ref("Journal")},
    ),
    Operation(
        method="get",
        path="/journal/stream",
        summary="Entries as they come, as server-sent events whose id is the number of the entry; the event "
        "`dropped` stands where entries are missing",
        query=(
            *(item for item in _QUERY if item["name"] != "after"),
            _parameter(
                "after", {**_SEQ, "description": "begin behind this number; without it, behind what there is"}
            ),
            _parameter(
                "last_event_id", {**_SEQ, "description": "as the header Last-Event-ID, which goes before it"}
            ),
            _parameter(
                "timeout_s",
                {
                    **between(0, STREAM_S_MAX),
                    "description": "how long the stream goes on",
                    "default": STREAM_S_MAX,
                },
            ),
        ),
        answers={200: TEXT},
        kind="text/event-stream",
    ),
    Operation(
        method="post",
        path="/journal/find",
        summary="Entries that a filter takes, oldest first",
        body="Find",
        body_optional=True,
        answers={200: ref("Journal")},
    ),
    Operation(
        method="post",
        path="/journal/count",
        summary="How many entries a filter takes",
        body="Filter",
        body_optional=True,
        answers={200: shape({"count": INTEGER, "last_seq": INTEGER, "dropped": INTEGER})},
    ),
    Operation(
        method="post",
        path="/journal/assert",
        summary="Whether a claim holds: at_least and sequence are answered as soon as they hold; at_most, "
        "exactly and never are watched for `within_s`, and answered at once where they are broken",
        body="Claim",
        answers={200: ref("Verdict")},
    ),
    Operation(
        method="get",
        path="/journal/{seq}",
        summary="One journal entry",
        answers={200: ref("Entry")},
    ),
    Operation(
        method="get",
        path="/journal.har",
        summary="The journal as an HTTP archive (HAR 1.2)",
        query=_QUERY,
        answers={200: {"type": "object"}},
    ),
    Operation(
        method="get",
        path="/journal.jsonl",
        summary="The journal with one entry on each line, and a mark where entries were dropped",
        query=_QUERY,
        answers={200: _BYTES},
        kind="application/jsonl",
    ),
)


def requests(context: Context) -> Schema:  # noqa: ARG001 - as every area has it
    """Schemas of bodies that are sent to us, by name."""
    members = _members()
    none: tuple[str, ...] = ()
    within = {"within_s": {**between(0, WITHIN_S_MAX), "description": "how long to watch"}}
    steps = {**listed(ref("Filter")), "minItems": 1, "maxItems": STEPS_MAX}
    claims: list[Schema] = [
        *(shape({**members, name: _COUNT, **within}, required=(name,)) for name in COUNTS),
        shape({**members, "sequence": steps, **within}, required=("sequence",)),
        shape({**members, "never": ref("Filter"), **within}, required=("never",)),
    ]
    return {
        "Filter": shape(members, required=none),
        "Find": shape(
            {**members, "limit": {"type": "integer", "minimum": 1, "maximum": LIST_MAX}}, required=none
        ),
        "Claim": {
            "description": "a filter, and one claim about what it takes; at_least and at_most go together",
            "anyOf": claims,
        },
    }


def resources() -> Schema:
    """Schemas of what we answer, by name."""
    near = {
        "entry": ref("Entry"),
        "same": INTEGER,
        "of": INTEGER,
        "differs": listed(shape({"member": TEXT, "wanted": {}, "found": {}})),
    }
    return {
        "Entry": _entry(),
        "Gap": shape({"dropped": INTEGER, "before_seq": INTEGER}),
        "Journal": shape(
            {
                "entries": listed(ref("Entry")),
                "last_seq": INTEGER,
                "dropped": INTEGER,
                "gaps": listed(ref("Gap")),
                "trouble": nullable(shape({"code": TEXT, "says": TEXT, "waiting": INTEGER})),
            }
        ),
        "Verdict": shape(
            {
                "ok": FLAG,
                "found": INTEGER,
                "says": TEXT,
                "entries": listed(ref("Entry")),
                "nearest": listed(shape(near)),
                "last_seq": INTEGER,
                "dropped": INTEGER,
            }
        ),
    }


def _entry() -> Schema:
    pairs = listed({**listed(TEXT), "minItems": 2, "maxItems": 2})
    parsed = {"description": "the body's value, where it is JSON and not large"}
    message: dict[str, Schema] = {"headers": pairs, "body_b64": TEXT}
    request = shape(
        {"method": TEXT, "target": TEXT, **message, "json": parsed}, required=("method", "target", *message)
    )
    reply = shape({"status": INTEGER, **message, "json": parsed}, required=("status", *message))
    texts = ("game_id", "order_id", "user_id", "external_id", "delivery_id", "error", "fault_id")
    return shape(
        {
            "seq": INTEGER,
            "at_s": NUMBER,
            "elapsed_ms": NUMBER,
            "workspace": TEXT,
            "portal": nullable(TEXT),
            "dir": named(DIRECTIONS),
            "endpoint": TEXT,
            **dict.fromkeys(texts, nullable(TEXT)),
            "attempt": nullable(INTEGER),
            "request": request,
            "reply": nullable(reply),
            "verdict": nullable(shape({"code": nullable(TEXT), "reason": TEXT})),
            "diagnosis": nullable(
                shape({"cause": nullable(TEXT), "says": TEXT, "remedy": TEXT, "clause": TEXT})
            ),
        }
    )
