"""Every variant of every dialect of Playgama, heard on the wire by a client with no code of the sandbox's.

As in `test_dialect_jogos`: a look at the wire says by itself which variant it hears.
"""

import jwt
import pytest
from coinslot_contracts.portals.playgama import PORTAL
from coinslot_contracts.portals.playgama.verify import REPLIES
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.heard_of_purchases import HEARD_OF_PURCHASES, paid_order, purchase_of, token_of
from coinslot_testkit.purchase_shop import PurchaseShop
from coinslot_testkit.sandbox_client import SandboxClient

VARIANTS = [(name, variant) for name, dialect in PORTAL.dialects.items() for variant in dialect.variants]


@pytest.fixture(scope="module")
def market():
    """One sandbox for all of them: what a test chooses it takes back."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        client = SandboxClient(running.ready)
        yield PurchaseShop(client)
        client.pool.clear()


def tell(market, **choices):
    market.client.done("PUT", "/dialects", {"portal": "playgama", **choices})


def test_there_is_a_look_for_every_dialect_and_no_other():
    """A dialect that nobody looks at would be a promise only."""
    assert set(HEARD_OF_PURCHASES) == set(PORTAL.dialects)
    assert list(PORTAL.dialects["verify_reply"].variants) == list(REPLIES)


@pytest.mark.parametrize("name", PORTAL.dialects)
def test_by_default_the_first_variant_is_heard(market, name):
    """The positive twin of all others."""
    assert HEARD_OF_PURCHASES[name](market) == PORTAL.dialects[name].default


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
def test_the_chosen_variant_is_heard(market, name, variant):
    """Portal.dialects, chosen by PUT /dialects."""
    tell(market, **{name: variant})

    try:
        assert HEARD_OF_PURCHASES[name](market) == variant
    finally:
        tell(market, **{name: None})


def test_a_change_of_algorithm_leaves_older_tokens_good(market):
    """sandbox:purchase-header: the set holds keys of both kinds, and going back takes the key from before."""
    order = paid_order(market)
    before = market.signing_kid()
    old = purchase_of(market, order)["jwt"]

    tell(market, token_algorithm="es256")
    kinds = {key["kid"]: key["kty"] for key in market.key_set()}
    elliptic = market.signing_kid()
    keys = jwt.PyJWKSet.from_json(
        market.client.send("GET", market.url + "/.well-known/jwks.json").body.decode()
    )
    options = {"verify_iat": False}
    old_claims = jwt.decode(old, keys[before].key, algorithms=["RS256"], options=options)
    tell(market, token_algorithm="es256")
    again = market.signing_kid()
    tell(market, token_algorithm=None)

    assert (kinds[before], kinds[elliptic], again) == ("RSA", "EC", elliptic)
    assert old_claims["orderId"] == order["order_id"]
    assert market.signing_kid() == before
    assert token_of(market, order)[0]["alg"] == "RS256"
    tell(market, token_algorithm="es256")
    assert market.signing_kid() == elliptic
    tell(market, token_algorithm=None)


@pytest.mark.parametrize("lie", ["other-key", "kid-unknown", "embedded-jwk", "expired", "payload-changed"])
@pytest.mark.parametrize(
    "choice",
    [
        {"token_algorithm": "es256"},
        {"token_header": "alg-typ"},
        {"token_lifetime": "one-hour"},
        {"token_claims": "ids"},
    ],
    ids=str,
)
def test_a_lie_is_told_in_every_manner(market, lie, choice):
    """A hostile token is refused under whatever manner the good one speaks, and that one is accepted."""
    tell(market, **choice)

    try:
        order = paid_order(market)
        hostile = market.purchase(order, hostile=lie)
        good = market.purchase(order)
    finally:
        tell(market, **dict.fromkeys(choice))

    assert (hostile["expected"], good["expected"]) == ("refused", "accepted")
    assert hostile["header"]["alg"] == good["header"]["alg"]
