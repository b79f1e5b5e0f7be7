"""The job that tells the portal of delivered orders: what is pending in the ledger, claimed and asked about.

Call it from a timer, a cron job or a thread, in as many processes as there are: each order is claimed by one
of them at a time, and what a dead one had claimed comes back when its lease ends. Telling twice is harmless.
It must not know HTTP, and it opens no transaction while it asks.
clauses   sandbox:arrived-repeat-ok, sandbox:order-unknown-500
"""

import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Protocol

from coinslot_contracts.errors import CoinslotError, Undecided

from coinslot_verifier.backoff import Backoff
from coinslot_verifier.ledger import Ledger, PendingConfirmation

CLAIM: Final = 10
"""How many are claimed together; the lease has to outlast asking about all of them."""
UNDECIDED_MAX: Final = 3
DEFAULT_BACKOFF: Final = Backoff()


class Confirmer(Protocol):
    """Who tells the portal; `PortalClient` is the real one."""

    def confirm(self, order_id: str) -> None:
        """Return where the portal said yes; raises a Refused or an Undecided."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxRun:
    """What one run did.

    confirmed   the portal acknowledged
    refused     the portal said no; asked again later all the same, because a setting may be put right
    undecided   no answer, or none that says yes or no
    codes       error code -> how often, of the refused and undecided
    is_done     nothing was due any more at the end; False where the run ended at a limit or an outage
    """

    confirmed: int = 0
    refused: int = 0
    undecided: int = 0
    codes: tuple[tuple[str, int], ...] = ()
    is_done: bool = False


def run_outbox(
    ledger: Ledger,
    client: Confirmer,
    *,
    limit: int = 1_000,
    time_limit_s: float = 30.0,
    lease_s: float = 120.0,
    attempts_max: int | None = None,
    backoff: Backoff = DEFAULT_BACKOFF,
    draw: Callable[[], float] = random.random,
    monotonic: Callable[[], float] = time.monotonic,
    on_answer: Callable[[str, CoinslotError | None], None] | None = None,
) -> OutboxRun:
    """Confirm what is due, once each, the least often tried first, of those the longest waiting.

    So orders that the portal never acknowledges stand in nobody's way, although three questions in a row
    without an answer end a run as an outage.

    limit          at most so many orders are asked about
    time_limit_s   no question is begun after so many seconds
    lease_s        how long a claimed order is left alone by others, and after a crash by all; longer than ten
                   questions may take
    attempts_max   orders that failed so often are asked about no more; None = for ever, at the backoff's cap
    backoff        how long an order waits after a failure
    draw           a random number from 0 to 1 at each call
    on_answer      told of each order and its error, None for a yes; for logs, it must not raise
    errors         LedgerUnavailable where the database is away; what it was doing is done again later
    """
    run = OutboxRun()
    codes: dict[str, int] = {}
    began_s, asked, in_a_row = monotonic(), 0, 0
    claimed: deque[PendingConfirmation] = deque()
    try:
        while asked < limit and monotonic() - began_s < time_limit_s and in_a_row < UNDECIDED_MAX:
            if not claimed:
                share = min(CLAIM, limit - asked)
                claimed.extend(
                    ledger.claim_confirmations(limit=share, lease_s=lease_s, attempts_max=attempts_max)
                )
            if not claimed:
                run = replace(run, is_done=True)
                break
            pending = claimed.popleft()
            asked += 1
            error = _ask(ledger, client, pending, backoff=backoff, draw=draw)
            in_a_row = in_a_row + 1 if isinstance(error, Undecided) else 0
            run = _counted(run, error)
            if error is not None:
                codes[error.code] = codes.get(error.code, 0) + 1
            if on_answer is not None:
                on_answer(pending.order_id, error)
    finally:
        if claimed:
            ledger.release_confirmations(pending.order_id for pending in claimed)
    return replace(run, codes=tuple(sorted(codes.items())))


def _ask(
    ledger: Ledger,
    client: Confirmer,
    pending: PendingConfirmation,
    *,
    backoff: Backoff,
    draw: Callable[[], float],
) -> CoinslotError | None:
    try:
        client.confirm(pending.order_id)
    except CoinslotError as error:
        wait_s = backoff.wait_s(pending.attempts + 1, drawn=draw())
        ledger.postpone_confirmation(pending.order_id, wait_s=wait_s)
        return error
    ledger.mark_confirmed(pending.order_id)
    return None


def _counted(run: OutboxRun, error: CoinslotError | None) -> OutboxRun:
    if error is None:
        return replace(run, confirmed=run.confirmed + 1)
    if isinstance(error, Undecided):
        return replace(run, undecided=run.undecided + 1)
    return replace(run, refused=run.refused + 1)
