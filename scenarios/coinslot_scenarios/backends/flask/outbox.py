"""The worker that tells the portal of delivered orders, after the commit and outside every request.

What is still to be told is in the database, so a crash between grant and report only delays the report.
"""

import sys
import threading
import time

from coinslot_verifier import CoinslotError, LedgerUnavailable
from game import Game
from sqlalchemy.exc import SQLAlchemyError

FIRST_WAIT_S = 0.5
WAIT_MAX_S = 60.0
POLL_S = 1.0


class OutboxWorker:
    def __init__(self, game: Game) -> None:
        self._game = game
        self._woken = threading.Event()
        self._stopping = False
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Something was granted just now; do not wait for the next poll."""
        self._woken.set()

    def stop(self) -> None:
        self._stopping = True
        self._woken.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                self._report_due()
                wait_s = self._wait_s()
            except (LedgerUnavailable, SQLAlchemyError) as error:
                print(f"outbox: {type(error).__name__}; again in {POLL_S:g} s", file=sys.stderr)
                wait_s = POLL_S
            self._woken.wait(wait_s)

    def _wait_s(self) -> float:
        due_at_s = self._game.ledger.next_due_at_s()
        return POLL_S if due_at_s is None else min(max(due_at_s - time.time(), 0.0), POLL_S)

    def _report_due(self) -> None:
        for pending in self._game.ledger.pending_confirmations():
            if self._stopping:
                return
            try:
                self._game.confirm(pending.order_id)
            except CoinslotError as error:
                wait_s = min(FIRST_WAIT_S * 2 ** min(pending.attempts, 20), WAIT_MAX_S)
                self._game.ledger.postpone_confirmation(pending.order_id, wait_s=wait_s)
                print(f"arrivedorder {pending.order_id}: {error}; again in {wait_s:g} s", file=sys.stderr)
            else:
                self._game.ledger.mark_confirmed(pending.order_id)
