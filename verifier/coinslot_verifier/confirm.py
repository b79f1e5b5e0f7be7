"""What a backend tells and asks the portal: this order was delivered; which orders are paid.

A body is written once, and exactly those bytes are signed and sent. It must not decide when to ask again: the
ledger's outbox remembers what is still to be confirmed. How pages are followed is `paging`'s business.
clauses   sandbox:arrived-repeat-ok, sandbox:page-size-max, sandbox:orders-newest-first
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol, TypeVar

from coinslot_contracts.domain import ListedOrder, OrdersPage
from coinslot_contracts.errors import CoinslotError, ConfirmUnavailable, Refused
from coinslot_contracts.wire import Headers, WireReply

from coinslot_verifier.config import ConfigInvalid, VerifierConfig
from coinslot_verifier.paging import ListPlace, follow

PAGE_SIZE: Final = 100
Read = TypeVar("Read")


class ConfirmOutcome(StrEnum):
    """The portal said yes / it said no to our message itself / it said neither: ask again later."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmResult:
    """What became of one report.

    code     the stable error code, None where it was confirmed
    detail   one line for a log, without secrets, "" where it was confirmed
    """

    outcome: ConfirmOutcome
    code: str | None = None
    detail: str = ""


class Poster(Protocol):
    """One signed message over HTTP, one answer; `http_out.HttpOut` is the real one."""

    def post(self, url: str, *, headers: Headers, body: bytes, attempts_max: int) -> WireReply:
        """POST exactly these bytes; raises ConfirmUnavailable where there is no whole answer."""
        ...


class PortalClient:
    """Talks to the portal's API in the name of one game; may be shared by all threads."""

    def __init__(self, config: VerifierConfig, *, sender: Poster | None = None) -> None:
        if not config.shared_keys:
            raise ConfigInvalid("shared_keys is empty, so nothing can be signed")
        self._config = config
        self._part = config.reports_part()
        self._arrived_url = config.endpoint_url(self._part.arrived_endpoint)
        self._orders_url = config.endpoint_url(self._part.orders_endpoint)
        self._sender = sender or _http_out(config)

    def confirm(self, order_id: str) -> None:
        """Report an order as delivered; returns where the portal said yes. Repeating it is harmless.

        Tried once: call it from a queue, after the commit and outside the notification's request.
        errors   ConfirmUnavailable: try again later; FieldInvalid, GameMismatch, SignatureMismatch where the
                 portal refuses our message itself, which a correct configuration does not produce
        clause   sandbox:arrived-repeat-ok
        """
        body = self._part.arrived(self._config.game_id, order_id)
        self._ask(self._arrived_url, body, self._part.check, attempts_max=1)

    def try_confirm(self, order_id: str) -> ConfirmResult:
        """`confirm` as a value: confirmed, refused or undecided; raises nothing of the two families."""
        try:
            self.confirm(order_id)
        except CoinslotError as error:
            is_final = isinstance(error, Refused)
            outcome = ConfirmOutcome.REFUSED if is_final else ConfirmOutcome.UNDECIDED
            return ConfirmResult(outcome=outcome, code=error.code, detail=error.detail)
        return ConfirmResult(outcome=ConfirmOutcome.CONFIRMED)

    def list_orders(
        self,
        *,
        page_size: int = PAGE_SIZE,
        place: ListPlace | None = None,
        is_over: Callable[[], bool] = lambda: False,
    ) -> Iterator[ListedOrder]:
        """Every paid order that the portal lists, each once, page by page, as `paging.follow` says.

        page_size   rows to ask for at once
        place       where to begin; afterwards where the next reading begins, and whether this was the end
        is_over     asked before each page but the first; where it says so, the reading ends without an error
        errors   as `confirm`; ConfirmUnavailable also where the list does not end, or repeats itself
        clause   sandbox:page-size-max, sandbox:page-past-end, sandbox:page-numbers
        """
        return follow(self._page, page_size=page_size, place=place, is_over=is_over)

    def _page(self, page_no: int, page_size: int) -> OrdersPage:
        body = self._part.orders(self._config.game_id, page_no, page_size)
        attempts_max = self._config.attempts_max
        return self._ask(self._orders_url, body, self._part.parse_orders, attempts_max=attempts_max)

    def _ask(self, url: str, body: bytes, read: Callable[[bytes], Read], *, attempts_max: int) -> Read:
        """The code in the body decides, whatever the HTTP status; a success also needs an HTTP success.

        A yes under an error's status is doubt, and asking again costs nothing.
        """
        headers = self._part.headers(body, self._config.shared_keys[0])
        reply = self._sender.post(url, headers=headers, body=body, attempts_max=attempts_max)
        value = read(reply.body)
        if not 200 <= reply.status < 300:
            raise ConfirmUnavailable(f"the portal answered a success with HTTP {reply.status}")
        return value


def _http_out(config: VerifierConfig) -> Poster:
    from coinslot_verifier.http_out import HttpOut

    return HttpOut(timeout_s=config.timeout_s)
