"""Processes that are killed while they grant lose no order and grant none twice."""

import json

from coinslot_testkit.ledger_kills import LedgerKills


def test_three_kills_lose_and_double_nothing(database_url, record_property):
    """sandbox:at-least-once; make prove does it with 10,000 orders."""
    tally = LedgerKills(url=database_url, seed=5, orders=300, kills=3).run()
    record_property("table", json.dumps(tally.members()))

    assert tally.kills == 3
    assert tally.granted == tally.orders == 300
    assert tally.is_good, tally
    assert tally.unacknowledged > 0
