"""The control API as a table: method, path and handler of every call, and how a path finds its own.

Matched here and not by Flask, whose rules cost a few milliseconds each at start.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from coinslot_sandbox.control import (
    diagnose_calls,
    fault_calls,
    journal_calls,
    key_calls,
    mail_calls,
    order_calls,
    purchase_calls,
    shop_calls,
    wire_calls,
    workspace_calls,
)
from coinslot_sandbox.control.call import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One control call.

    path   below the base; a part in braces is a variable
    reads  it changes nothing, whatever its method
    """

    method: str
    path: str
    handle: Handler
    reads: bool = False

    @property
    def is_journalled(self) -> bool:
        """Whether the call changes something; pure reads are not journalled, or waiting would wake itself."""
        return self.method != "GET" and not self.reads


ROUTES: Final = (
    Route(method="GET", path="/games", handle=shop_calls.list_games),
    Route(method="PUT", path="/games/{gameId}", handle=shop_calls.put_game),
    Route(method="GET", path="/players", handle=shop_calls.list_players),
    Route(method="POST", path="/players", handle=shop_calls.post_player),
    Route(method="GET", path="/products", handle=shop_calls.list_products),
    Route(method="POST", path="/products", handle=shop_calls.post_product),
    Route(method="GET", path="/orders", handle=shop_calls.list_orders),
    Route(method="POST", path="/orders", handle=order_calls.post_order),
    Route(method="POST", path="/orders/archive", handle=order_calls.archive_orders),
    Route(method="GET", path="/orders/{orderId}", handle=shop_calls.get_order),
    Route(method="POST", path="/orders/{orderId}/pay", handle=order_calls.pay_order),
    Route(method="POST", path="/orders/{orderId}/refund", handle=order_calls.refund_order),
    *(
        Route(method="POST", path=f"/orders/{{orderId}}/{move}", handle=order_calls.silent(move))
        for move in order_calls.SILENT_MOVES
    ),
    Route(method="GET", path="/orders/{orderId}/timeline", handle=order_calls.get_timeline),
    Route(method="POST", path="/tokens", handle=shop_calls.post_token),
    Route(method="POST", path="/orders/{orderId}/change", handle=order_calls.change_order),
    Route(method="POST", path="/purchases", handle=purchase_calls.post_purchase),
    Route(method="GET", path="/keys", handle=key_calls.list_keys),
    Route(method="POST", path="/keys/rotate", handle=key_calls.rotate_keys),
    Route(method="POST", path="/keys/extra", handle=key_calls.add_key),
    Route(method="PUT", path="/keys/{kid}", handle=key_calls.change_key),
    Route(method="GET", path="/dialects", handle=key_calls.list_dialects),
    Route(method="PUT", path="/dialects", handle=key_calls.choose_dialects),
    Route(method="GET", path="/deliveries", handle=mail_calls.list_deliveries),
    Route(method="POST", path="/deliveries/recover", handle=mail_calls.recover_deliveries),
    Route(method="POST", path="/deliveries/hold", handle=mail_calls.hold_deliveries),
    Route(method="POST", path="/deliveries/release", handle=mail_calls.release_deliveries),
    Route(method="GET", path="/deliveries/{deliveryId}", handle=mail_calls.get_delivery),
    Route(method="POST", path="/deliveries/{deliveryId}/resend", handle=mail_calls.resend_delivery),
    Route(method="POST", path="/deliveries/{deliveryId}/cancel", handle=mail_calls.cancel_delivery),
    Route(method="POST", path="/callbacks", handle=mail_calls.post_callback),
    Route(method="GET", path="/faults", handle=fault_calls.list_faults),
    Route(method="POST", path="/faults", handle=fault_calls.post_fault),
    Route(method="GET", path="/faults/kinds", handle=fault_calls.list_kinds),
    Route(method="POST", path="/faults/preset", handle=fault_calls.post_preset),
    Route(method="DELETE", path="/faults/{faultId}", handle=fault_calls.delete_fault),
    Route(method="GET", path="/journal", handle=journal_calls.list_journal),
    Route(method="DELETE", path="/journal", handle=journal_calls.clear_journal),
    Route(method="GET", path="/journal/wait", handle=journal_calls.wait_journal),
    Route(method="GET", path="/journal/stream", handle=journal_calls.stream_journal),
    Route(method="POST", path="/journal/find", handle=journal_calls.find_entries, reads=True),
    Route(method="POST", path="/journal/count", handle=journal_calls.count_entries, reads=True),
    Route(method="POST", path="/journal/assert", handle=journal_calls.assert_entries, reads=True),
    Route(method="GET", path="/journal/{seq}", handle=journal_calls.get_journal_entry),
    Route(method="GET", path="/journal.har", handle=journal_calls.export_har),
    Route(method="GET", path="/journal.jsonl", handle=journal_calls.export_lines),
    Route(method="GET", path="/openapi.json", handle=wire_calls.get_document),
    Route(method="GET", path="/workspaces", handle=workspace_calls.list_workspaces),
    Route(method="POST", path="/workspaces", handle=workspace_calls.post_workspace),
    Route(method="GET", path="/workspaces/{workspace}", handle=workspace_calls.get_workspace),
    Route(method="DELETE", path="/workspaces/{workspace}", handle=workspace_calls.delete_workspace),
    Route(method="GET", path="/env", handle=workspace_calls.get_environment),
    Route(method="GET", path="/clock", handle=workspace_calls.get_clock),
    Route(method="POST", path="/clock/freeze", handle=workspace_calls.freeze_clock),
    Route(method="POST", path="/clock/resume", handle=workspace_calls.resume_clock),
    Route(method="POST", path="/clock/claims", handle=workspace_calls.offset_claims),
    Route(method="POST", path="/clock/advance", handle=workspace_calls.advance_clock),
    Route(method="POST", path="/diagnose/signature", handle=diagnose_calls.post_signature),
    Route(method="POST", path="/diagnose/token", handle=diagnose_calls.post_token),
    Route(method="POST", path="/reset", handle=workspace_calls.reset),
)
"""The control API of one workspace."""


def find_route(method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The route of a call and the values of its path's variables; a HEAD is a GET."""
    wanted = "GET" if method == "HEAD" else method
    return next(((route, args) for route, args in _of_path(path) if route.method == wanted), None)


def methods_of(path: str) -> list[str]:
    """The methods that a path takes, sorted; none where there is nothing at it."""
    return sorted({route.method for route, _ in _of_path(path)})


def _of_path(path: str) -> list[tuple[Route, dict[str, str]]]:
    """Every route of a path; one without variables comes first, as they stand before the others above."""
    parts = path.split("/")
    found = ((route, _match(route.path.split("/"), parts)) for route in ROUTES)
    return [(route, args) for route, args in found if args is not None]


def _match(pattern: Sequence[str], parts: Sequence[str]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    args: dict[str, str] = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if wanted.startswith("{") and part:
            args[wanted.strip("{}")] = part
        elif wanted != part:
            return None
    return args
