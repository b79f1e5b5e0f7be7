"""Every seeded bug of the Flask backend's purchases misbehaves in what it says, and in nothing else."""

import pytest
from coinslot_testkit.backend_process import start_flask
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.fake_seller import FakeSeller
from coinslot_testkit.purchase_demonstrations import DEMONSTRATIONS, FAILS, Stage


def failed_demonstrations(**environment: str) -> set[str]:
    with (
        serve(FakePortal()) as portal,
        serve(FakeSeller()) as seller,
        start_flask(portal, PLAYGAMA_URL=seller.url, **environment) as backend,
    ):
        stage = Stage(seller=seller, backend=backend)
        return {name for name, behaves in DEMONSTRATIONS.items() if not behaves(stage)}


def test_the_good_backend_behaves_in_every_way():
    """playgama:1, playgama:2, playgama:3.A, playgama:3.B, playgama:4, playgama:practice"""
    assert failed_demonstrations() == set()


@pytest.mark.parametrize("bug", FAILS)
def test_a_seeded_bug_breaks_what_it_says_and_nothing_else(bug):
    """A bug that broke more than one thing would make every check that meets it look good."""
    expected = FAILS[bug]

    assert failed_demonstrations(COINSLOT_BUG=bug) == expected
