"""The calls about workspaces, clocks and the environment block in the OpenAPI document, with their bodies."""

from typing import Any, Final

from coinslot_sandbox.connect import FORMATS
from coinslot_sandbox.control.context import Context
from coinslot_sandbox.control.openapi_operation import Operation
from coinslot_sandbox.control.openapi_schemas import (
    DECIMAL,
    FLAG,
    NUMBER,
    TEXT,
    Schema,
    listed,
    nullable,
    ref,
    shape,
)
from coinslot_sandbox.control.schema_workspaces import KEEPABLE, MOMENT_S_MAX, OFFSET_S_MAX, TTL_S_MAX
from coinslot_sandbox.control.workspace_calls import KINDS
from coinslot_sandbox.settings import SEED_MAX
from coinslot_sandbox.workspaces import NAME

_MOMENT: Final = {**NUMBER, "minimum": 0, "maximum": MOMENT_S_MAX}

OPERATIONS: Final = (
    Operation(
        method="get",
        path="/workspaces",
        summary="Every workspace, oldest first",
        answers={200: shape({"workspaces": listed(ref("Workspace"))})},
    ),
    Operation(
        method="post",
        path="/workspaces",
        summary="Make a workspace: a tenant with keys, games, orders, faults, clocks and journal of its own",
        body="WorkspaceWish",
        body_optional=True,
        answers={201: ref("Workspace")},
        can_conflict=True,
    ),
    Operation(
        method="get", path="/workspaces/{workspace}", summary="One workspace", answers={200: ref("Workspace")}
    ),
    Operation(
        method="delete",
        path="/workspaces/{workspace}",
        summary="Delete a workspace and everything in it; the default one can only be reset",
        answers={200: ref("Workspace")},
        can_conflict=True,
    ),
    Operation(
        method="get",
        path="/env",
        summary="The environment block with which a backend finds this workspace",
        query=(
            {"name": "format", "in": "query", "schema": {"type": "string", "enum": list(FORMATS)}},
            {"name": "environment", "in": "query", "schema": TEXT},
        ),
        answers={200: {"type": "object", "additionalProperties": TEXT}},
        texts=tuple(kind for kind in KINDS.values() if kind != "application/json"),
    ),
    Operation(
        method="get",
        path="/clock",
        summary="The machine's clock, and the two clocks of this workspace",
        answers={200: ref("Clock")},
    ),
    Operation(
        method="post",
        path="/clock/freeze",
        summary="Let the schedule stand still, now or at a moment of one's choice; nothing is sent by itself",
        body="Freeze",
        body_optional=True,
        answers={200: ref("Clock")},
    ),
    Operation(
        method="post",
        path="/clock/resume",
        summary="Let the schedule run on from where it stands; what has become due is sent",
        body="Nothing",
        body_optional=True,
        answers={200: ref("Clock")},
    ),
    Operation(
        method="post",
        path="/clock/claims",
        summary="Move the clock of what tokens claim (iat, exp) ahead of the machine's, or behind it",
        body="ClaimsOffset",
        answers={200: ref("Clock")},
    ),
    Operation(
        method="post",
        path="/clock/advance",
        summary="Move the schedule forward and send what falls due, in order, waiting for each answer",
        body="AdvanceCall",
        answers={200: ref("Advanced")},
        can_conflict=True,
    ),
    Operation(
        method="post",
        path="/reset",
        summary="As at first start: keys, games and clocks back, all else gone; ids and numbers go on",
        body="ResetCall",
        body_optional=True,
        answers={200: shape({"seed": {"type": "integer"}})},
    ),
)


def requests(context: Context) -> dict[str, Schema]:  # noqa: ARG001 - the form of every area's function
    """Schemas of bodies."""
    return {
        "WorkspaceWish": shape(
            {
                "name": {"type": "string", "pattern": f"^{NAME.pattern}$", "maxLength": 63},
                "seed": {"type": "integer", "minimum": 0, "maximum": SEED_MAX},
                "ttl_s": {
                    **NUMBER,
                    "minimum": 0.1,
                    "maximum": TTL_S_MAX,
                    "description": "it is deleted by itself after so long",
                },
                "game_id": {"type": "string", "pattern": DECIMAL},
                "shared_key": {**TEXT, "minLength": 1, "maxLength": 255},
            },
            required=(),
        ),
        "Freeze": shape({"at_s": _MOMENT}, required=()),
        "ClaimsOffset": shape({"offset_s": {**NUMBER, "minimum": -OFFSET_S_MAX, "maximum": OFFSET_S_MAX}}),
        "AdvanceCall": {
            "oneOf": [
                shape({"by_s": {**NUMBER, "minimum": 0, "maximum": OFFSET_S_MAX}}),
                shape({"to_s": _MOMENT}),
                shape({"next": {"const": True}}),
                shape({"until_idle": {"const": True}}),
            ]
        },
        "ResetCall": shape(
            {"keep": {"type": "array", "items": {"type": "string", "enum": list(KEEPABLE)}}}, required=()
        ),
    }


def resources() -> dict[str, Schema]:
    """Schemas of answers."""
    addresses: dict[str, Any] = {"type": "object", "additionalProperties": TEXT}
    schedule = {"now_s": NUMBER, "frozen": FLAG, "next_at_s": nullable(NUMBER)}
    return {
        "Workspace": shape(
            {
                "workspace": TEXT,
                "seed": {"type": "integer"},
                "created_at_s": NUMBER,
                "ends_at_s": nullable(NUMBER),
                "control_url": TEXT,
                "portals": {"type": "object", "additionalProperties": addresses},
            }
        ),
        "Clock": shape(
            {
                "machine_s": NUMBER,
                "schedule": shape(schedule),
                "claims": shape({"now_s": NUMBER, "offset_s": NUMBER}),
                "jumps": {
                    **listed(shape({"at_s": NUMBER, "by_s": NUMBER})),
                    "description": "When the machine's clock jumped under the sandbox, and by how much.",
                },
            }
        ),
        "Advanced": shape(
            {
                "now_s": NUMBER,
                "fired": listed(ref("Fired")),
                "next_at_s": nullable(NUMBER),
                "idle": FLAG,
            }
        ),
        "Fired": shape(
            {
                "delivery_id": TEXT,
                "order_id": TEXT,
                "kind": TEXT,
                "attempt": {"type": "integer"},
                "schedule_at_s": NUMBER,
                "status": nullable({"type": "integer"}),
                "error": nullable(TEXT),
                "accepted": FLAG,
            }
        ),
    }
