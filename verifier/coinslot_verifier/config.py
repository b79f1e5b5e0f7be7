"""Who we are and whom we trust, fixed once; every verifier is built from one of these.

It must not read the process's environment by itself: `from_env` takes the mapping that it is given,
and it knows a portal only by the name that it is told.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal, cast
from urllib.parse import urlsplit

from coinslot_contracts.errors import FieldInvalid
from coinslot_contracts.fields import decimal_id
from coinslot_contracts.portal import (
    IdentityPart,
    NoticesPart,
    Portal,
    PurchasePart,
    ReportsPart,
    discover,
)

SKEW_S_MAX: Final = 60
PORTALS_OWN_ISSUER: Final = "<the portal's own>"
KEY_AGE_S_MAX: Final = 86_400.0
TIMEOUT_S_MAX: Final = 3_600.0
KEY_SOURCES: Final = ("always", "cached")
ALLOW_TEST_KEYS: Final = "COINSLOT_ALLOW_TEST_KEYS"
KEY_SOURCE: Final = "COINSLOT_KEY_SOURCE"
PREVIOUS: Final = "_PREVIOUS"
_MEMBERS: Final = ("url", "web_url", "api_url", "game_id", "shared_key")
_URLS: Final = ("url", "web_url", "api_url")
_NOT_IN_A_BASE: Final = re.compile(r"[\s?#\x00-\x20\x7f]")


class ConfigInvalid(ValueError):
    """The configuration cannot be used; the text names the setting and holds no secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierConfig:
    """Everything that the verifiers need to know of one game at one portal.

    portal            name of the portal, as `coinslot_contracts.portal.discover` lists it
    game_id           our game, decimal digits; tokens and notifications of any other are refused; "" only
                      where the portal names no games
    shared_keys       the shared key of the game parameters, UTF-8 bytes; more than one only while it is being
                      replaced: all are accepted, the first one signs
    web_url           where the portal publishes its key; "" where keys come from elsewhere
    api_url           where the portal takes reports; "" where none are made
    url               the one site of a portal that has no separate ones; "" elsewhere
    issuer            expected `iss`; by default the portal's own, None = not checked
    max_age_s         longest accepted age by `iat`, None = as long as the token's own `exp` says. 3600 is
                      recommended for user tokens: the portal's client pages speak of one hour and of asking
                      for a token afresh each time, while its sample lives for 1,000 hours; without a cap a
                      token that leaked once logs in for as long as it says itself
    skew_s            how far the portal's clock and ours may differ, 0 to 60
    verify_reply      the shape of the portal's answer to a verification, by the portal's own name of it;
                      None = the portal's default
    algorithms        which of its asymmetric signature algorithms a purchase's token may have, by name; None
                      = all that the portal may use. A user token has the portal's one
    key_source        where the key of a user token comes from: "always" asks the portal at every
                      verification, as its document says, and is right where logins are few; "cached" keeps
                      the key for key_max_age_s and asks once more where a signature does not fit
                      (`CachedKeys` says what that promises), and is right where logins are many or must
                      outlast a short outage
    key_max_age_s     how long fetched keys may be used, above 0, one day at most
    key_stale_s       how much longer kept keys may be used while the portal cannot be asked, one day at most;
                      a withdrawn key is believed for as long
    allow_test_keys   accept the published test keys of the sandbox; disables nothing else
    timeout_s         whole time that one question to the portal may take, at most 3600
    attempts_max      how often a read is tried where the connection fails, within timeout_s
    """

    portal: str
    game_id: str = ""
    shared_keys: tuple[bytes, ...] = field(default=(), repr=False)
    web_url: str = ""
    api_url: str = ""
    url: str = ""
    issuer: str | None = PORTALS_OWN_ISSUER
    max_age_s: int | None = None
    skew_s: int = 30
    verify_reply: str | None = None
    algorithms: tuple[str, ...] | None = None
    key_source: Literal["always", "cached"] = "always"
    key_max_age_s: float = 300.0
    key_stale_s: float = 0.0
    allow_test_keys: bool = False
    timeout_s: float = 3.0
    attempts_max: int = 2

    def __post_init__(self) -> None:
        if self.portal not in discover():
            known = ", ".join(discover())
            raise ConfigInvalid(f"portal is {self.portal!r}; known are: {known}")
        if self._needs_game():
            self._check_game()
        if not all(self.shared_keys):
            raise ConfigInvalid("a shared key is empty; anybody could sign with it")
        for name in _URLS:
            object.__setattr__(self, name, _base_url(name, getattr(self, name)))
        self._check_numbers()
        self._check_reply()
        self._check_trust()
        if self.issuer == PORTALS_OWN_ISSUER:
            part = discover()[self.portal].identity
            object.__setattr__(self, "issuer", part.issuer if part else None)

    def _needs_game(self) -> bool:
        portal = self.definition
        return any(part is not None for part in (portal.identity, portal.notices, portal.reports))

    def _check_game(self) -> None:
        if not self.game_id:
            raise ConfigInvalid("game_id is empty")
        try:
            decimal_id({"game_id": self.game_id}, "game_id")
        except FieldInvalid:
            raise ConfigInvalid(
                f"game_id is {self.game_id!r}; it must be decimal digits, as in 1220"
            ) from None

    def _check_reply(self) -> None:
        part = self.definition.purchases
        known = part.verify_replies if part else ()
        if self.verify_reply is not None and self.verify_reply not in known:
            listed = ", ".join(known) or "none"
            raise ConfigInvalid(f"verify_reply is {self.verify_reply!r}; portal {self.portal} has: {listed}")

    def _check_trust(self) -> None:
        if self.key_source not in KEY_SOURCES:
            raise ConfigInvalid(f"key_source is {self.key_source!r}; it must be {' or '.join(KEY_SOURCES)}")
        part = self.definition.purchases
        known = part.algorithms if part else ()
        if self.algorithms is not None and not (self.algorithms and set(self.algorithms) <= set(known)):
            listed = ", ".join(known) or "none"
            raise ConfigInvalid(f"algorithms is {self.algorithms!r}; portal {self.portal} may use: {listed}")

    def _check_numbers(self) -> None:
        if not 0 <= self.skew_s <= SKEW_S_MAX:
            raise ConfigInvalid(f"skew_s is {self.skew_s}; it must be from 0 to {SKEW_S_MAX}")
        if self.max_age_s is not None and not 0 < self.max_age_s < inf:
            raise ConfigInvalid(f"max_age_s is {self.max_age_s}; it must be above 0, or None")
        if not 0 < self.key_max_age_s <= KEY_AGE_S_MAX:
            limits = f"above 0, at most {KEY_AGE_S_MAX:g}"
            raise ConfigInvalid(f"key_max_age_s is {self.key_max_age_s}; it must be {limits}")
        if not 0 <= self.key_stale_s <= KEY_AGE_S_MAX:
            raise ConfigInvalid(f"key_stale_s is {self.key_stale_s}; it must be from 0 to {KEY_AGE_S_MAX:g}")
        if not 0 < self.timeout_s <= TIMEOUT_S_MAX:
            limits = f"above 0, at most {TIMEOUT_S_MAX:g}"
            raise ConfigInvalid(f"timeout_s is {self.timeout_s}; it must be {limits}")
        if self.attempts_max < 1:
            raise ConfigInvalid(f"attempts_max is {self.attempts_max}; it must be at least 1")

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, portal: str) -> "VerifierConfig":
        """Read the environment block of one portal.

        environ   usually os.environ; beside the block COINSLOT_KEY_SOURCE chooses `key_source` where it is
                  set, and the shared key's variable with _PREVIOUS at the end is accepted as a second key
        errors    ConfigInvalid naming every variable that is not set
        """
        if portal not in discover():
            raise ConfigInvalid(f"portal is {portal!r}; known are: {', '.join(discover())}")
        block = discover()[portal].environment({member: member for member in _MEMBERS})
        missing = [name for name in block if not environ.get(name)]
        if missing:
            raise ConfigInvalid(f"set {' and '.join(missing)} in the environment")
        values = {member: environ[name] for name, member in block.items()}
        names = {member: name for name, member in block.items()}
        shared = (values.get("shared_key"), environ.get(f"{names.get('shared_key')}{PREVIOUS}"))
        return cls(
            portal=portal,
            game_id=values.get("game_id", ""),
            shared_keys=tuple(key.encode("utf-8", "surrogateescape") for key in shared if key),
            url=values.get("url", ""),
            web_url=values.get("web_url", ""),
            api_url=values.get("api_url", ""),
            key_source=cast(Literal["always", "cached"], environ.get(KEY_SOURCE) or "always"),
            allow_test_keys=environ.get(ALLOW_TEST_KEYS) == "1",
        )

    @property
    def definition(self) -> Portal:
        """The portal itself."""
        return discover()[self.portal]

    def identity_part(self) -> IdentityPart:
        """The portal's user token; ConfigInvalid where it has none."""
        part = self.definition.identity
        if part is None:
            raise ConfigInvalid(f"portal {self.portal} has no signed user token")
        return part

    def notices_part(self) -> NoticesPart:
        """The portal's notifications; ConfigInvalid where it sends none."""
        part = self.definition.notices
        if part is None:
            raise ConfigInvalid(f"portal {self.portal} sends no notifications")
        return part

    def reports_part(self) -> ReportsPart:
        """The portal's reports; ConfigInvalid where it takes none."""
        part = self.definition.reports
        if part is None:
            raise ConfigInvalid(f"portal {self.portal} takes no reports")
        return part

    def purchase_part(self) -> PurchasePart:
        """The portal's signed purchases; ConfigInvalid where it has none."""
        part = self.definition.purchases
        if part is None:
            raise ConfigInvalid(f"portal {self.portal} has no signed purchases")
        return part

    def site_url(self, name: str) -> str:
        """The site of the portal's endpoint of this name; ConfigInvalid where it is not configured."""
        site = self.definition.endpoint(name).site
        base = (self.web_url if site == "web" else self.api_url) or self.url
        if not base:
            members = self.definition.environment({member: member for member in _MEMBERS}).values()
            setting = "url" if "url" in members else f"{site}_url"
            raise ConfigInvalid(f"{setting} is not set, and {name} lives there")
        return base

    def endpoint_url(self, name: str) -> str:
        """The full URL of the endpoint of this name; ConfigInvalid where its site is not configured."""
        return self.site_url(name) + self.definition.endpoint(name).path


def _base_url(name: str, url: str) -> str:
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        usable = usable and not _NOT_IN_A_BASE.search(url)
    except ValueError:
        usable = False
    if not usable:
        raise ConfigInvalid(
            f"{name} must be an http or https address without user, query, fragment or white space"
        )
    return url.rstrip("/")
