"""Settings are judged once, when they are made, and the text names the setting."""

import pytest
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_verifier.config import ConfigInvalid, VerifierConfig

ENVIRONMENT = {
    "JOGOS_WEB_URL": "http://127.0.0.1:7711/",
    "JOGOS_API_URL": "https://api.example/base",
    "JOGOS_GAME_ID": "1220",
    "JOGOS_SHARED_KEY": "kéy",
}


def config(**changes: object) -> VerifierConfig:
    return VerifierConfig(**{"portal": "jogos", "game_id": "1220", **changes})  # type: ignore[arg-type]


def test_the_environment_block_makes_a_config():
    """The names that the portal's part of the contracts writes."""
    made = VerifierConfig.from_env({**ENVIRONMENT, "COINSLOT_ALLOW_TEST_KEYS": "1"}, portal="jogos")

    assert made == config(
        shared_keys=("kéy".encode(),),
        web_url="http://127.0.0.1:7711",
        api_url="https://api.example/base",
        allow_test_keys=True,
    )
    assert made.endpoint_url("jogos.publicKey") == "http://127.0.0.1:7711/publicKey.json"
    assert made.endpoint_url("jogos.getOrders") == "https://api.example/base/api/gamepay/getOrders"


def test_a_config_made_of_the_portals_own_block_reads_it_back():
    """Writer and reader of the block are one list."""
    block = PORTAL.environment(
        {"web_url": "http://w", "api_url": "http://a", "game_id": "7", "shared_key": "k"}
    )

    made = VerifierConfig.from_env(block, portal="jogos")

    assert (made.web_url, made.api_url, made.game_id, made.shared_keys) == (
        "http://w",
        "http://a",
        "7",
        (b"k",),
    )


@pytest.mark.parametrize("value", ["", "0", "true", "yes", " 1"])
def test_test_keys_are_allowed_by_the_value_1_alone(value):
    """It belongs in no production environment, so nothing else switches it on."""
    made = VerifierConfig.from_env({**ENVIRONMENT, "COINSLOT_ALLOW_TEST_KEYS": value}, portal="jogos")

    assert made.allow_test_keys is False


@pytest.mark.parametrize(("value", "more"), [("k\udcff", (b"k\xff",)), ("", ())])
def test_the_key_before_is_a_second_one_while_it_is_set(value, more):
    """Both are accepted, the new one signs; an empty variable is none."""
    made = VerifierConfig.from_env({**ENVIRONMENT, "JOGOS_SHARED_KEY_PREVIOUS": value}, portal="jogos")

    assert made.shared_keys == ("kéy".encode(), *more)


def test_every_missing_variable_is_named():
    """One line is enough to repair the environment."""
    with pytest.raises(ConfigInvalid, match="set JOGOS_API_URL and JOGOS_SHARED_KEY in the environment"):
        VerifierConfig.from_env({**ENVIRONMENT, "JOGOS_API_URL": "", "JOGOS_SHARED_KEY": ""}, portal="jogos")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"portal": "jogo"}, "portal is 'jogo'"),
        ({"game_id": ""}, "game_id is empty"),
        ({"game_id": "my-game"}, "game_id is 'my-game'; it must be decimal digits"),
        ({"game_id": "09943"}, "game_id is '09943'"),
        ({"shared_keys": (b"k", b"")}, "a shared key is empty"),
        ({"web_url": "ftp://x"}, "web_url"),
        ({"web_url": "http://"}, "web_url"),
        ({"api_url": "http://[bad"}, "api_url"),
        ({"api_url": "http://x?a=b"}, "api_url"),
        ({"api_url": "http://x?"}, "api_url"),
        ({"api_url": "http://x#part"}, "api_url"),
        ({"api_url": "http://user:word@x"}, r"api_url must be an http or https address without user[^@]*$"),
        ({"api_url": "http://x/\n"}, "api_url"),
        ({"api_url": "http://x/ "}, "api_url"),
        ({"skew_s": 61}, "skew_s"),
        ({"skew_s": -1}, "skew_s"),
        ({"max_age_s": 0}, "max_age_s"),
        ({"max_age_s": float("nan")}, "max_age_s"),
        ({"max_age_s": float("inf")}, "max_age_s"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"timeout_s": float("inf")}, "timeout_s"),
        ({"attempts_max": 0}, "attempts_max"),
    ],
)
def test_an_unusable_setting_is_named(changes, says):
    """A typing error must not become a bypass."""
    with pytest.raises(ConfigInvalid, match=says):
        config(**changes)


def test_an_unknown_portal_in_from_env_is_named():
    """The portals there are, are listed."""
    with pytest.raises(ConfigInvalid, match=r"known are: .*jogos"):
        VerifierConfig.from_env(ENVIRONMENT, portal="nowhere")


def test_the_issuer_is_the_portals_own_unless_said_otherwise():
    """jogos:user.4"""
    assert config().issuer == "com:jogos:sdk"
    assert config(issuer=None).issuer is None
    assert config(issuer="x").issuer == "x"


def test_an_endpoint_without_its_site_is_a_named_setting():
    """Nobody is sent to production by default."""
    with pytest.raises(ConfigInvalid, match="api_url is not set"):
        config().endpoint_url("jogos.getOrders")


def test_the_shared_key_is_not_shown():
    """A config in a log must give nothing away."""
    assert "secret-key" not in repr(config(shared_keys=(b"secret-key",)))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("key_source", "sometimes"),
        ("key_source", ""),
        ("key_max_age_s", 0.0),
        ("key_max_age_s", float("nan")),
        ("key_max_age_s", float("inf")),
        ("key_stale_s", -1.0),
        ("key_stale_s", float("nan")),
        ("key_stale_s", 86_401.0),
        ("algorithms", ()),
        ("algorithms", ("HS256",)),
        ("algorithms", ("RS256", "none")),
    ],
)
def test_how_keys_are_kept_and_used_is_bounded(setting, value):
    """rfc8725:3.1: no key is believed for ever, and no symmetric algorithm can be configured."""
    with pytest.raises(ConfigInvalid, match=setting):
        VerifierConfig(portal="playgama", url="http://portal.example", **{setting: value})  # type: ignore[arg-type]


def test_the_key_source_may_be_chosen_in_the_environment():
    """jogos:user.2: the document's word is the default."""
    named = {**ENVIRONMENT, "COINSLOT_KEY_SOURCE": "cached"}

    assert VerifierConfig.from_env(named, portal="jogos").key_source == "cached"
    assert (
        VerifierConfig.from_env({**named, "COINSLOT_KEY_SOURCE": ""}, portal="jogos").key_source == "always"
    )
    with pytest.raises(ConfigInvalid, match="key_source"):
        VerifierConfig.from_env({**named, "COINSLOT_KEY_SOURCE": "Cached"}, portal="jogos")
