"""The Node and the Java backend, each started once for a file of tests, before two small portals."""

from pathlib import Path

import pytest
from coinslot_testkit.copied_backends import COPIED, CopiedStage, start_copied
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.fake_seller import FakeSeller


@pytest.fixture(scope="module", params=COPIED)
def stage(request):
    """Portals and a copied backend; the tests of a file share them, with players and orders of their own."""
    with (
        serve(FakePortal()) as portal,
        serve(FakeSeller()) as seller,
        # a key cache that outlives every test: what is seen of a rotation, a backend saw by itself
        start_copied(request.param, portal, PLAYGAMA_URL=seller.url, PLAYGAMA_KEY_CACHE_S="300") as backend,
    ):
        yield CopiedStage(portal=portal, seller=seller, backend=backend)


@pytest.fixture
def portal(stage):
    """Jogos, honest again after each test."""
    yield stage.portal
    stage.portal.lies.clear()
    stage.portal.form = None


@pytest.fixture
def seller(stage):
    """Playgama, honest again after each test."""
    kept = stage.seller.keys
    yield stage.seller
    stage.seller.lies.clear()
    stage.seller.keys = kept


@pytest.fixture
def backend(stage):
    """The copied backend."""
    return stage.backend


QUICK = ("test_copied_check.py", "test_copied_bug.py", "test_flask.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The single stories take long, and `coinslot check` shows most of them at once, of each area here."""
    here = Path(__file__).parent
    for item in items:
        if item.path.parent == here and item.path.name not in QUICK:
            item.add_marker("thorough")
