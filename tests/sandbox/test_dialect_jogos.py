"""Every variant of every dialect of Jogos, heard on the wire by a client with no code of the sandbox's.

A look at the wire says by itself which variant it hears; so a variant without a look, or one that changes
nothing, fails here.
"""

import pytest
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.dialect_ears import Ears
from coinslot_testkit.heard_of_answers import HEARD_OF_ANSWERS
from coinslot_testkit.heard_of_notices import HEARD_OF_NOTICES
from coinslot_testkit.heard_of_tokens import HEARD_OF_TOKENS
from coinslot_testkit.recording_backend import RecordingBackend
from coinslot_testkit.sandbox_client import SandboxClient

HEARD = {**HEARD_OF_TOKENS, **HEARD_OF_NOTICES, **HEARD_OF_ANSWERS}
VARIANTS = [(name, variant) for name, dialect in PORTAL.dialects.items() for variant in dialect.variants]


@pytest.fixture(scope="module")
def ears():
    """One sandbox for all of them: what a test chooses it takes back."""
    with (
        RecordingBackend() as backend,
        Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running,
    ):
        client = SandboxClient(running.ready)
        yield Ears(client, backend)
        client.pool.clear()


def test_there_is_a_look_for_every_dialect_and_no_other():
    """A dialect that nobody looks at would be a promise only."""
    assert set(HEARD) == set(PORTAL.dialects)


@pytest.mark.parametrize("name", PORTAL.dialects)
def test_by_default_the_first_variant_is_heard(ears, name):
    """The positive twin of all others."""
    assert HEARD[name](ears) == PORTAL.dialects[name].default


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_the_chosen_variant_is_heard(ears, name, variant):
    """Portal.dialects, chosen by PUT /dialects."""
    ears.tell("jogos", **{name: variant})

    try:
        assert HEARD[name](ears) == variant
    finally:
        ears.tell("jogos", **{name: None})


def test_a_time_before_every_date_is_told_and_listed_all_the_same(ears):
    """As low as the control API takes a time: the order is made, and the page that holds it is whole."""
    ears.tell("jogos", orders_times="date-and-time", notice_times="date-and-time")
    long_ago = {"created_at_s": -(2**53), "paid_at_s": -(2**53)}

    try:
        order_id = ears.client.order_id(paid=True, callback="lost", **long_ago)
        page = ears.client.orders_page(page_size=100)
    finally:
        ears.tell("jogos", orders_times=None, notice_times=None)

    assert page.status == 200
    (row,) = [row for row in page.json["page"]["content"] if row["orderId"] == order_id]
    assert row["payTime"] == "0001-01-01 00:00:00"
