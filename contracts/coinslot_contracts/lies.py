"""What lies of several portals share: views of the portal's state that differ in one thing, and key mix-ups.

A lie about keys is told by letting the endpoint answer over another set of published keys; so it needs to
know no form of publication. Pure, as the endpoints are.
"""

from collections.abc import Callable, Sequence

from coinslot_contracts.domain import Game, Order
from coinslot_contracts.fault_kinds import FaultKind, LieCase, Param
from coinslot_contracts.portal import Answer, Lie, LieView, PortalView, SigningKey
from coinslot_contracts.vocabulary import FAULT_KINDS
from coinslot_contracts.wire import WireRequest

Honest = Callable[[WireRequest, PortalView], Answer]
Keys = Callable[[LieView, LieCase], Sequence[SigningKey]]
_AFTER_S = Param(
    form="number", least=0, most=31 * 86_400, says="seconds of the schedule's time since it was set"
)


class SameView:
    """A view that passes every question on; lies override what they lie about."""

    def __init__(self, view: PortalView) -> None:
        self._view = view

    def find_game(self, game_id: str) -> Game | None:
        """The game with this id."""
        return self._view.find_game(game_id)

    def find_order(self, order_id: str) -> Order | None:
        """The order with this id."""
        return self._view.find_order(order_id)

    def count_paid_orders(self, game_id: str) -> int:
        """How many paid orders the game has."""
        return self._view.count_paid_orders(game_id)

    def list_paid_orders(self, game_id: str, *, first: int, limit: int) -> Sequence[Order]:
        """The game's paid orders, newest payment first."""
        return self._view.list_paid_orders(game_id, first=first, limit=limit)

    def published_keys(self) -> Sequence[SigningKey]:
        """The keys that the portal publishes now."""
        return self._view.published_keys()

    def dialect(self, name: str) -> str | None:
        """The chosen variant."""
        return self._view.dialect(name)

    def is_acknowledged(self, order_id: str) -> bool:
        """Whether the backend has acknowledged a notification of this order."""
        return self._view.is_acknowledged(order_id)


class KeysView(SameView):
    """A view with other keys published."""

    def __init__(self, view: PortalView, keys: Sequence[SigningKey]) -> None:
        super().__init__(view)
        self._keys = keys

    def published_keys(self) -> Sequence[SigningKey]:
        """The keys of the lie."""
        return self._keys


def lie(name: str, tell: Callable[..., Answer], kind: FaultKind | None = None) -> Lie:
    """A lie of a name in the vocabulary, with the parameters of a kind."""
    known = kind or FaultKind(says="")
    return Lie(says=FAULT_KINDS[name], params=known.params, short=known.short, one_of=known.one_of, tell=tell)


def key_lie(name: str, keys: Keys, kind: FaultKind | None = None) -> Lie:
    """A lie about which keys are published."""

    def tell(request: WireRequest, view: LieView, honest: Honest, case: LieCase) -> Answer:
        return honest(request, KeysView(view, keys(view, case)))

    return lie(name, tell, kind)


def _stale(view: LieView, case: LieCase) -> Sequence[SigningKey]:  # noqa: ARG001 - the form of a key lie
    return (view.previous_key() or view.next_key(),)


def _rotated(view: LieView, case: LieCase) -> Sequence[SigningKey]:  # noqa: ARG001
    return (view.next_key(),)


def _late(view: LieView, case: LieCase) -> Sequence[SigningKey]:
    after_s = case.params["after_s"]
    if after_s is not None and case.since_s >= after_s:
        return view.published_keys()
    return _without_signing(view) or (view.previous_key() or view.next_key(),)


def _withdrawn(view: LieView, case: LieCase) -> Sequence[SigningKey]:
    after_s = case.params["after_s"]
    if after_s is not None and case.since_s < after_s:
        return view.published_keys()
    return (view.next_key(), *_without_signing(view))


def _without_signing(view: LieView) -> tuple[SigningKey, ...]:
    signing = view.signing_key()
    return tuple(key for key in view.published_keys() if key.kid != signing.kid)


_TIMED = FaultKind(says="", params={"after_s": _AFTER_S}, short="after_s")

KEY_LIES = {
    "stale_key": key_lie("stale_key", _stale),
    "rotated_key": key_lie("rotated_key", _rotated),
    "key_published_late": key_lie("key_published_late", _late, _TIMED),
    "key_withdrawn_early": key_lie("key_withdrawn_early", _withdrawn, _TIMED),
}
"""Lies that every endpoint which publishes keys can tell."""
