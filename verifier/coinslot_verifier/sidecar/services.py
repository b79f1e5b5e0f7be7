"""What the sidecar works with: for each portal its verifiers, its client, its ledger.

Made once per process, after the processes were made, so that no connection is shared between them. A part
is None where the portal lacks it or the configuration does not reach it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from coinslot_contracts.errors import KeySourceUnavailable
from coinslot_contracts.wire import WireReply

from coinslot_verifier.config import VerifierConfig
from coinslot_verifier.confirm import PortalClient
from coinslot_verifier.http_out import HttpOut
from coinslot_verifier.identity import IdentityVerifier
from coinslot_verifier.key_cache import CachedKeys
from coinslot_verifier.key_set import CachedKeySet
from coinslot_verifier.key_source import KeySource, PublishedKeys, Sender
from coinslot_verifier.notification import NotificationVerifier
from coinslot_verifier.purchase import PurchaseVerifier
from coinslot_verifier.sidecar.logs import JsonLog
from coinslot_verifier.sidecar.metrics import Metrics
from coinslot_verifier.sidecar.settings import SidecarSettings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from coinslot_verifier.intents import Intents
    from coinslot_verifier.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalServices:
    """Everything for one portal.

    keys   where the keys of its tokens come from: whoever is ready must reach them
    """

    config: VerifierConfig
    identity: IdentityVerifier | None = None
    notices: NotificationVerifier | None = None
    reports: PortalClient | None = None
    purchases: PurchaseVerifier | None = None
    keys: tuple[KeySource, ...] = ()
    ledger: "Ledger | None" = None
    intents: "Intents | None" = None

    def has(self, part: str) -> bool:
        """Whether it offers a part, by the name of the member."""
        return getattr(self, part) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What one process works with.

    token   the bearer token that callers send
    close   gives back what the process holds
    """

    portals: Mapping[str, PortalServices]
    metrics: Metrics
    token: str = field(repr=False)
    log: JsonLog = field(default_factory=JsonLog)
    close: Callable[[], None] = lambda: None


class CountedSender:
    """A `key_source.Sender` that counts its questions."""

    def __init__(self, sender: Sender, *, counted: Callable[[bool], None]) -> None:
        self._sender = sender
        self._counted = counted

    def get(self, url: str, *, attempts_max: int) -> WireReply:
        """As `HttpOut.get`."""
        try:
            reply = self._sender.get(url, attempts_max=attempts_max)
        except KeySourceUnavailable:
            self._counted(False)
            raise
        self._counted(reply.status == 200)
        return reply


def make_services(settings: SidecarSettings, metrics: Metrics, *, token: str, log: JsonLog) -> Services:
    """The services of one process; errors as `open_ledger`."""
    url = settings.ledger_url
    engine = None if url is None else open_ledger(url, threads=settings.threads)
    portals = {config.portal: _portal(config, metrics, engine) for config in settings.configs}
    close = (lambda: None) if engine is None else engine.dispose
    return Services(portals=portals, metrics=metrics, token=token, log=log, close=close)


def open_ledger(url: str, *, threads: int = 15) -> "Engine":
    """The ledger's engine for so many threads, its tables there.

    errors   ValueError for a URL that is no ledger's; LedgerUnavailable
    """
    from coinslot_verifier.ledger_store import create_tables, open_engine
    from coinslot_verifier.ledger_trouble import ledger_trouble

    with ledger_trouble():
        engine = open_engine(url, threads=threads)
        create_tables(engine)
    return engine


def _portal(config: VerifierConfig, metrics: Metrics, engine: "Engine | None") -> PortalServices:
    definition = config.definition
    sender = CountedSender(
        HttpOut(timeout_s=config.timeout_s),
        counted=lambda good: metrics.count_fetch(portal=config.portal, good=good),
    )
    identity_keys = None if definition.identity is None else _identity_keys(config, sender)
    purchase_keys = None if definition.purchases is None else CachedKeySet(config, sender=sender)
    signs = bool(config.shared_keys)
    return PortalServices(
        config=config,
        identity=None if identity_keys is None else IdentityVerifier(config, key_source=identity_keys),
        notices=NotificationVerifier(config) if signs and definition.notices is not None else None,
        reports=PortalClient(config) if signs and definition.reports is not None else None,
        purchases=None if purchase_keys is None else PurchaseVerifier(config, key_source=purchase_keys),
        keys=tuple(keys for keys in (identity_keys, purchase_keys) if keys is not None),
        ledger=None if engine is None else _ledger(config, engine),
        intents=None if engine is None or purchase_keys is None else _intents(config, engine),
    )


def _identity_keys(config: VerifierConfig, sender: Sender) -> KeySource:
    if config.key_source == "cached":
        return CachedKeys(config, sender=sender)
    return PublishedKeys(config, sender=sender)


def _ledger(config: VerifierConfig, engine: "Engine") -> "Ledger":
    from coinslot_verifier.ledger import Ledger

    return Ledger(engine, portal=config.portal, game_id=config.game_id)


def _intents(config: VerifierConfig, engine: "Engine") -> "Intents":
    from coinslot_verifier.intents import Intents

    return Intents(engine, portal=config.portal, game_id=config.game_id)
