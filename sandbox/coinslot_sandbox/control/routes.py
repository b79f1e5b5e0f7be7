"""The control API as a table: method, path and handler of every call."""

from dataclasses import dataclass
from typing import Final

from coinslot_sandbox.control import shop_calls, wire_calls
from coinslot_sandbox.control.call import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One control call: Flask rule below the base, method, handler."""

    method: str
    path: str
    handle: Handler


ROUTES: Final = (
    Route(method="GET", path="/games", handle=shop_calls.list_games),
    Route(method="PUT", path="/games/<game_id>", handle=shop_calls.put_game),
    Route(method="GET", path="/players", handle=shop_calls.list_players),
    Route(method="POST", path="/players", handle=shop_calls.post_player),
    Route(method="GET", path="/products", handle=shop_calls.list_products),
    Route(method="POST", path="/products", handle=shop_calls.post_product),
    Route(method="GET", path="/orders", handle=shop_calls.list_orders),
    Route(method="POST", path="/orders", handle=shop_calls.post_order),
    Route(method="POST", path="/orders/archive", handle=shop_calls.archive_orders),
    Route(method="GET", path="/orders/<order_id>", handle=shop_calls.get_order),
    Route(method="POST", path="/orders/<order_id>/pay", handle=shop_calls.pay_order),
    Route(method="POST", path="/orders/<order_id>/fail", handle=shop_calls.fail_order),
    Route(method="POST", path="/orders/<order_id>/refund", handle=shop_calls.refund_order),
    Route(method="POST", path="/tokens", handle=shop_calls.post_token),
    Route(method="GET", path="/keys", handle=shop_calls.list_keys),
    Route(method="POST", path="/keys/rotate", handle=shop_calls.rotate_keys),
    Route(method="GET", path="/deliveries", handle=wire_calls.list_deliveries),
    Route(method="GET", path="/deliveries/<delivery_id>", handle=wire_calls.get_delivery),
    Route(method="POST", path="/deliveries/<delivery_id>/resend", handle=wire_calls.resend_delivery),
    Route(method="POST", path="/callbacks", handle=wire_calls.post_callback),
    Route(method="GET", path="/faults", handle=wire_calls.list_faults),
    Route(method="POST", path="/faults", handle=wire_calls.post_fault),
    Route(method="DELETE", path="/faults/<fault_id>", handle=wire_calls.delete_fault),
    Route(method="GET", path="/journal", handle=wire_calls.list_journal),
    Route(method="GET", path="/journal/wait", handle=wire_calls.wait_journal),
    Route(method="GET", path="/journal/<seq>", handle=wire_calls.get_journal_entry),
    Route(method="POST", path="/reset", handle=wire_calls.reset),
)
"""The control API of one workspace."""
