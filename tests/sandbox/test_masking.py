"""What the journal never holds: shared keys, the control token, signatures of user tokens."""

import base64
import itertools
import json

import pytest
from coinslot_contracts.wire import WireRequest
from coinslot_sandbox.journal_entries import Crossing, make_entry
from coinslot_sandbox.masking import Mask


def _masked(request, *, is_control, secrets=("s3cret-key",)):
    made = Mask(secrets, is_control=is_control).request(request)
    return made["headers"], base64.b64decode(made["body_b64"]), made["target"]


@pytest.mark.parametrize("is_control", [True, False])
def test_a_secret_is_masked_wherever_it_stands(is_control):
    """Shared keys and the control token never enter an entry."""
    request = WireRequest(
        method="POST",
        target="/x?k=s3cret-key",
        headers=(("X-Key", "a s3cret-key b"), ("X-Other", "kept")),
        body=b"text s3cret-key text",
    )

    headers, body, target = _masked(request, is_control=is_control)

    assert headers == [["X-Key", "a *** b"], ["X-Other", "kept"]]
    assert (body, target) == (b"text *** text", "/x?k=***")


def test_the_control_token_and_named_members_are_masked():
    """In control calls the member's name says what is secret, however short it is."""
    body = json.dumps({"shared_key": "k", "games": [{"shared_key": "q"}], "token": "a.b.c"}).encode()
    request = WireRequest(method="PUT", target="/", headers=(("Authorization", "Bearer t"),), body=body)

    headers, masked, _ = _masked(request, is_control=True)

    assert headers == [["Authorization", "***"]]
    assert json.loads(masked) == {"shared_key": "***", "games": [{"shared_key": "***"}], "token": "a.b.***"}


def test_a_secret_in_what_went_wrong_is_masked():
    """`error` is text of any origin; what is no secret stays."""
    request = WireRequest(method="POST", target="/x")
    crossing = Crossing(
        dir="in", endpoint="e", request=request, reply=None, at_s=1.0, elapsed_ms=0.0, error="no s3cret-key!"
    )

    entry = make_entry(1, crossing, workspace="default", secrets=["s3cret-key"])

    assert entry["error"] == "no ***!"


def test_a_short_secret_does_not_eat_other_text():
    """A shared key of one letter is masked by name only; a game's own bytes stay as they were."""
    request = WireRequest(method="POST", target="/x", body=b'{"gameId":1}')

    assert _masked(request, is_control=False, secrets=("g",))[1] == b'{"gameId":1}'


def test_a_body_that_may_hold_a_secret_but_cannot_be_read_is_masked_whole():
    """Better no evidence than a leak."""
    request = WireRequest(method="PUT", target="/", body=b'{"shared_key":"k","shared_key":')

    assert _masked(request, is_control=True)[1] == b"***"


def test_no_secret_is_in_the_journal_of_a_real_session(shop):
    """Games are registered and changed, tokens minted, orders paid: no entry holds key or control token."""
    shop.set_game(shared_key="the-second-shared-key")
    shop.done("POST", "/tokens", {"player": shop.player(username="someone")})
    shop.await_delivery(shop.order(paid=True)["delivery"]["delivery_id"], "delivered")
    shop.done("GET", "/games")

    entries = shop.journal()

    texts = [json.dumps(entry) for entry in entries]
    texts += [
        base64.b64decode(entry[side]["body_b64"]).decode("utf-8", "replace")
        for entry, side in itertools.product(entries, ("request", "reply"))
    ]
    for secret in (shop.shared_key, "the-second-shared-key", shop.ready["control_token"]):
        assert not [text for text in texts if secret in text]
    assert any("***" in text for text in texts)
