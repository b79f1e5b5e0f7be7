"""What a game's backend runs in production: tokens, notifications and reports checked, grants kept once.

Everything public is named here and loaded on first use, so that importing this package loads neither requests
nor SQLAlchemy nor a web framework. It must not know the sandbox, nor any portal by name.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from coinslot_contracts.domain import Identity, ListedOrder, Notification, Purchase, PurchaseClaims
    from coinslot_contracts.errors import (
        AlgRefused,
        CoinslotError,
        ConfirmUnavailable,
        ExternalIdMismatch,
        FieldInvalid,
        FieldMissing,
        GameMismatch,
        IssuerMismatch,
        KeySourceUnavailable,
        KidUnknown,
        LedgerUnavailable,
        PurchaseNotPaid,
        Refused,
        SignatureMismatch,
        SignatureMissing,
        SubInvalid,
        TestKeyRefused,
        TokenExpired,
        TokenMalformed,
        TokenNotYetValid,
        TokenTooOld,
        Undecided,
        VerifyUnavailable,
    )
    from coinslot_contracts.wire import WireReply

    from coinslot_verifier.backoff import Backoff
    from coinslot_verifier.config import ConfigInvalid, VerifierConfig
    from coinslot_verifier.confirm import ConfirmOutcome, ConfirmResult, PortalClient
    from coinslot_verifier.identity import IdentityVerifier, identity_or_none
    from coinslot_verifier.intents import Intent, Intents
    from coinslot_verifier.key_cache import CachedKeys
    from coinslot_verifier.key_set import CachedKeySet, StaticKeySet
    from coinslot_verifier.key_source import KeySource, PublishedKeys, RefreshingKeySource, StaticKeys
    from coinslot_verifier.ledger import (
        GrantOutcome,
        Ledger,
        PendingConfirmation,
        RevokeOutcome,
        Settlement,
        open_engine,
    )
    from coinslot_verifier.notification import NotificationVerifier
    from coinslot_verifier.outbox import OutboxRun, run_outbox
    from coinslot_verifier.paging import ListPlace
    from coinslot_verifier.purchase import PurchaseVerifier
    from coinslot_verifier.recheck import reverify
    from coinslot_verifier.reconcile import ReconcileRun, run_recheck, run_reconcile

__all__ = [
    "AlgRefused",
    "Backoff",
    "CachedKeySet",
    "CachedKeys",
    "CoinslotError",
    "ConfigInvalid",
    "ConfirmOutcome",
    "ConfirmResult",
    "ConfirmUnavailable",
    "ExternalIdMismatch",
    "FieldInvalid",
    "FieldMissing",
    "GameMismatch",
    "GrantOutcome",
    "Identity",
    "IdentityVerifier",
    "Intent",
    "Intents",
    "IssuerMismatch",
    "KeySource",
    "KeySourceUnavailable",
    "KidUnknown",
    "Ledger",
    "LedgerUnavailable",
    "ListPlace",
    "ListedOrder",
    "Notification",
    "NotificationVerifier",
    "OutboxRun",
    "PendingConfirmation",
    "PortalClient",
    "PublishedKeys",
    "Purchase",
    "PurchaseClaims",
    "PurchaseNotPaid",
    "PurchaseVerifier",
    "ReconcileRun",
    "RefreshingKeySource",
    "Refused",
    "RevokeOutcome",
    "Settlement",
    "SignatureMismatch",
    "SignatureMissing",
    "StaticKeySet",
    "StaticKeys",
    "SubInvalid",
    "TestKeyRefused",
    "TokenExpired",
    "TokenMalformed",
    "TokenNotYetValid",
    "TokenTooOld",
    "Undecided",
    "VerifierConfig",
    "VerifyUnavailable",
    "WireReply",
    "identity_or_none",
    "open_engine",
    "reverify",
    "run_outbox",
    "run_recheck",
    "run_reconcile",
]

_HOMES: Final[dict[str, tuple[str, ...]]] = {
    "coinslot_contracts.domain": ("Identity", "ListedOrder", "Notification", "Purchase", "PurchaseClaims"),
    "coinslot_contracts.errors": (
        "AlgRefused",
        "CoinslotError",
        "ConfirmUnavailable",
        "ExternalIdMismatch",
        "FieldInvalid",
        "FieldMissing",
        "GameMismatch",
        "IssuerMismatch",
        "KeySourceUnavailable",
        "KidUnknown",
        "LedgerUnavailable",
        "PurchaseNotPaid",
        "Refused",
        "SignatureMismatch",
        "SignatureMissing",
        "SubInvalid",
        "TestKeyRefused",
        "TokenExpired",
        "TokenMalformed",
        "TokenNotYetValid",
        "TokenTooOld",
        "Undecided",
        "VerifyUnavailable",
    ),
    "coinslot_contracts.wire": ("WireReply",),
    "coinslot_verifier.backoff": ("Backoff",),
    "coinslot_verifier.config": ("ConfigInvalid", "VerifierConfig"),
    "coinslot_verifier.confirm": ("ConfirmOutcome", "ConfirmResult", "PortalClient"),
    "coinslot_verifier.identity": ("IdentityVerifier", "identity_or_none"),
    "coinslot_verifier.intents": ("Intent", "Intents"),
    "coinslot_verifier.key_cache": ("CachedKeys",),
    "coinslot_verifier.key_set": ("CachedKeySet", "StaticKeySet"),
    "coinslot_verifier.key_source": ("KeySource", "PublishedKeys", "RefreshingKeySource", "StaticKeys"),
    "coinslot_verifier.ledger": (
        "GrantOutcome",
        "Ledger",
        "PendingConfirmation",
        "RevokeOutcome",
        "Settlement",
        "open_engine",
    ),
    "coinslot_verifier.notification": ("NotificationVerifier",),
    "coinslot_verifier.purchase": ("PurchaseVerifier",),
    "coinslot_verifier.outbox": ("OutboxRun", "run_outbox"),
    "coinslot_verifier.paging": ("ListPlace",),
    "coinslot_verifier.recheck": ("reverify",),
    "coinslot_verifier.reconcile": ("ReconcileRun", "run_recheck", "run_reconcile"),
}
_HOME_OF: Final = {name: module for module, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load the module of a public name when it is first asked for (PEP 562)."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted(__all__)
