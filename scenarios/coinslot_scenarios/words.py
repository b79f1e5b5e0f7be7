"""Closed lists of words as pydantic types, each with a "did you mean" of its own.

The lists themselves live in contracts (vocabulary, portals); here they become types of written files.
"""

from collections.abc import Iterable
from typing import Annotated, Any

from coinslot_contracts import vocabulary
from coinslot_contracts.portal import discover
from pydantic import BeforeValidator, WrapValidator

from coinslot_scenarios.problems import unknown
from coinslot_scenarios.templates import has_template


def one_of(names: Iterable[str], kind: str = "word") -> Any:
    """Text that must be one of the names, or a template."""
    known = tuple(names)

    def check(value: Any, handler: Any) -> Any:
        if has_template(value):
            return value
        if not isinstance(value, str):
            raise ValueError(f"must be one of {', '.join(known)}")
        if value not in known:
            raise ValueError(unknown(kind, value, known))
        return handler(value)

    return Annotated[str, WrapValidator(check)]


def endpoint_names() -> tuple[str, ...]:
    """Full names of all endpoints of all portals."""
    return tuple(endpoint.name for portal in discover().values() for endpoint in portal.endpoints)


Of = one_of(("every", "any", "first", "last"), "quantifier")
OwnLevel = one_of(("must", "should", "info"), "level")
PortalName = one_of(tuple(discover()), "portal")
EndpointName = one_of(endpoint_names(), "endpoint")
ShortEndpoint = one_of(sorted({name.split(".")[1] for name in endpoint_names()}), "endpoint")
Encoding = one_of(vocabulary.ENCODINGS, "encoding")
Signature = one_of(vocabulary.SIGNATURE_DEFECTS, "signature")
HostileName = one_of(vocabulary.HOSTILE_TOKENS, "hostile token")
TokenSigner = one_of(vocabulary.TOKEN_SIGNERS, "signer")
Rotation = one_of(vocabulary.KEY_ROTATIONS, "rotation")
CallbackMode = one_of(vocabulary.CALLBACK_MODES, "callback mode")
VerifyState = one_of(vocabulary.VERIFY_STATES, "state of verification")
KeyEntry = one_of(vocabulary.KEY_ENTRIES, "entry of a key set")
NotificationKind = one_of(("pay", "refund"), "type")

_MATCHERS = ("gte", "lte", "in", "not", "matches", "type", "absent")


def _matcher(value: Any) -> Any:
    if isinstance(value, dict):
        for key in value:
            if key not in _MATCHERS:
                raise ValueError(unknown("matcher", str(key), _MATCHERS))
        if not value:
            raise ValueError("must not be an empty matcher")
    if isinstance(value, list):
        raise ValueError("must be a value or a matcher; a list goes into {in: [...]}")
    return value


Matcher = Annotated[Any, BeforeValidator(_matcher)]
