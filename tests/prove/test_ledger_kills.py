"""The ledger under kill -9: 10,000 orders, each granted exactly once, on SQLite and on PostgreSQL."""

import json

import pytest
from coinslot_testkit.ledger_kills import LedgerKills
from coinslot_testkit.proofs import proven

PARTS, KILLS, ORDERS = 10, 200, 10_000


def _url(request, tmp_path, database) -> str:
    if database == "postgresql":
        return request.getfixturevalue("postgres_server").url()
    return f"sqlite:///{(tmp_path / 'ledger.sqlite').as_posix()}"


@pytest.mark.thorough
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.tool("postgres"))]
)
def test_ten_thousand_orders_are_granted_exactly_once(request, tmp_path, record_property, database, part):
    """T9, in parts: a part that was proven at this commit is not run again."""
    with proven(f"ledger-kills-{database}", part) as proof:
        if proof.is_new:
            kills = LedgerKills(
                url=_url(request, tmp_path, database),
                seed=5_000 + part,
                orders=ORDERS // PARTS,
                kills=KILLS // PARTS,
            )
            tally = kills.run()
            proof.members = {**tally.members(), "is_good": tally.is_good}
    record_property("table", json.dumps(proof.members))

    assert (proof.members["doubled"], proof.members["lost"], proof.members["invented"]) == (0, 0, 0)
    assert proof.members["granted"] == ORDERS // PARTS
    assert proof.members["is_good"], proof.members
