"""What a store keeps of keys, dialects and purchases over a restart, and what a reset makes of them."""

from coinslot_contracts.vocabulary import KEY_ENTRIES
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_sandbox.clock import ManualClock
from coinslot_testkit.key_set_readers import PyJwtReader
from coinslot_testkit.purchase_shop import JWKS, PurchaseShop
from coinslot_testkit.sandbox_client import SandboxClient


def _bazaar(sandbox):
    return PurchaseShop(SandboxClient(sandbox.ready))


def _settings(tmp_path):
    return SandboxSettings(port=0, control_port=0, store=tmp_path / "kept.sqlite")


def test_a_restart_keeps_the_whole_ring(tmp_path):
    """Keys, odd entries, what is published: byte for byte the same set, under the same ids."""
    with Sandbox(_settings(tmp_path)) as sandbox:
        bazaar = _bazaar(sandbox)
        bazaar.rotate("overlap")
        for kind in KEY_ENTRIES:
            bazaar.add_key(kind)
        before, ring = bazaar.key_set(), bazaar.ring()

    with Sandbox(_settings(tmp_path)) as sandbox:
        bazaar = _bazaar(sandbox)
        after = bazaar.key_set(), bazaar.ring()

    assert after == (before, ring)
    assert len(before) == 2 + len(KEY_ENTRIES)


def test_a_restart_keeps_the_time_of_a_late_publication(tmp_path):
    """`publish_after_s` counts from the rotation, not from the last start."""
    clock = ManualClock()
    with Sandbox(_settings(tmp_path), clock=clock) as sandbox:
        bazaar = _bazaar(sandbox)
        bazaar.rotate("late", publish_after_s=60)
        token = bazaar.token()

    clock.advance(30)
    with Sandbox(_settings(tmp_path), clock=clock) as sandbox:
        bazaar = _bazaar(sandbox)
        with PyJwtReader(bazaar.url + JWKS) as reader:
            early = reader.claims(token)
            clock.advance(30)
            in_time = reader.claims(token)

    assert early is None
    assert in_time is not None


def test_a_restart_keeps_dialects_and_what_verification_says(tmp_path):
    """A rehearsal goes on where it stopped."""
    with Sandbox(_settings(tmp_path)) as sandbox:
        bazaar = _bazaar(sandbox)
        order = bazaar.order(verify="canceled")
        bazaar.client.done("PUT", "/dialects", {"portal": "playgama", "verify_reply": "status"})

    with Sandbox(_settings(tmp_path)) as sandbox:
        reply = _bazaar(sandbox).verify(order)

    assert reply.json == {"status": "CANCELED"}


def test_a_reset_takes_everything_back_to_the_start(bazaar):
    """One key, no entries beside it, every dialect its default, no orders."""
    start = bazaar.key_set()
    order = bazaar.order(verify="canceled")
    bazaar.rotate("late", publish_after_s=3600)
    bazaar.add_key("oct")
    bazaar.client.done("PUT", "/dialects", {"portal": "playgama", "verify_reply": "status"})

    bazaar.client.done("POST", "/reset")

    assert bazaar.key_set() == start
    assert len(bazaar.ring()) == 1
    assert bazaar.verify(order).json == {"success": False, "errorMessage": "no such purchase"}
    assert bazaar.purchase(bazaar.order())["expected"] == "accepted"


def test_the_ready_line_tells_where_each_portal_is(sandbox):
    """One site, without a game."""
    assert sandbox.ready["playgama"] == {"url": sandbox.ready["jogos"]["web_url"]}


def test_a_portal_lives_below_its_workspace_too(bazaar):
    """/w/<workspace>/<portal>/… beside the documented path at the root."""
    reply = bazaar.client.send("GET", f"{bazaar.url}/w/default/playgama{JWKS}")

    assert reply.json["keys"] == bazaar.key_set()


def test_fresh_keys_are_nobodys_published_ones():
    """--fresh-keys: no key comes from the pool that ships with the sandbox."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7, fresh_keys=True)) as sandbox:
        bazaar = _bazaar(sandbox)
        bazaar.rotate("overlap")
        kids = [entry["kid"] for entry in bazaar.key_set()]

    assert [kid.startswith("fresh-") for kid in kids] == [True, True]
