"""Why a signature does not verify: every known mistake is made, until one gives the signature that came.

Tried in this order: the right signature dressed up, other keys, other bodies, other formulas, other messages,
then two of these together. What the portal computes comes as its `NoticesPart`; no portal is named here.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from coinslot_contracts.portal import NoticesPart

from coinslot_sandbox.diagnosis import bodies, formulas, shared_keys
from coinslot_sandbox.diagnosis.finding import Budget, Diagnosis, compose
from coinslot_sandbox.diagnosis.received import Received, digest_of
from coinslot_sandbox.diagnosis.signature_causes import SIGNATURE_CAUSES

EFFORT_BYTES: Final = 256 * 1_048_576
"""Enough for every pair over a short body, and for every single mistake over one of 1 MiB."""
PAIRS_BODY_BYTES_MAX: Final = 65_536
NEAR_NAMES_MAX: Final = 2

Names = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureCase:
    """A signature and all that is known about where it came from; both directions are alike.

    signature  value of the header, None where it was not sent
    key        the shared key of `game`, None where it has none
    game       how the game is called in sentences, "game 1220"
    game_id    tried as a key too
    former     keys that the game had before
    others     keys of other games, with what those are called
    messages   other messages under this key that exist, with what they are called
    """

    body: bytes
    signature: str | None
    key: bytes | None = field(repr=False)
    game: str = "the game"
    game_id: str | None = None
    former: Sequence[bytes] = field(default=(), repr=False)
    others: Sequence[tuple[str, bytes]] = field(default=(), repr=False)
    messages: Sequence[tuple[str, bytes]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """One way to make a signature: names of the mistakes, what they are about, and the digest."""

    names: Names
    size_bytes: int
    digest: Callable[[], bytes]
    facts: Mapping[str, str] = field(default_factory=dict)


def diagnose_signature(
    notices: NoticesPart, case: SignatureCase, *, effort_bytes: int = EFFORT_BYTES
) -> Diagnosis:
    """Name the mistake that makes this signature.

    effort_bytes  how much may be computed; with little of it only single mistakes are tried
    """
    if case.signature is None or not case.signature.strip():
        return _found(notices, case, ("signature-missing",), {}, tried=0)
    if not case.key:
        return _found(notices, case, ("key-not-set",), {}, tried=0)
    budget = Budget(effort_bytes)
    search = _Search(notices, case, budget, case.key)
    received = Received(case.signature, sample=notices.sign(b"", b""))
    for attempt in search.attempts():
        if not budget.spend(attempt.size_bytes):
            break
        budget.tried += 1
        dress = received.match(attempt.digest())
        if dress is not None:
            names = (*attempt.names, *dress)
            return _found(notices, case, names, attempt.facts, tried=budget.tried)
    if received.resembles(notices.sign(case.body, case.key)):
        return _found(notices, case, ("digits-changed",), {}, tried=budget.tried)
    return _nothing(notices, tried=budget.tried)


class _Search:
    """Every attempt over one case, the likeliest first; nothing is computed before it is asked for."""

    def __init__(self, notices: NoticesPart, case: SignatureCase, budget: Budget, key: bytes) -> None:
        self._notices = notices
        self._case = case
        self._budget = budget
        self._key = key
        self._near: list[tuple[Names, bytes]] = []

    def sign(self, body: bytes, key: bytes) -> bytes:
        """The right signature, as raw bytes."""
        return digest_of(self._notices.sign(body, key))

    def attempts(self) -> Iterator[_Attempt]:
        """Single mistakes, then pairs of them."""
        body, key = self._case.body, self._key
        yield self._signed((), body, key)
        for names, other, facts in self._keys():
            yield self._signed(names, body, other, facts)
        for names, other in self._others(bodies.byte_mistakes(body)):
            yield self._signed(names, other, key)
        for names, digest in self._formulas():
            yield self._computed(names, digest, body, key)
        for names, other in self._others(bodies.json_mistakes(body, self._budget)):
            yield self._signed(names, other, key)
        for separator, digest in formulas.separated(self.sign):
            facts = {"separator": repr(separator.decode())}
            yield self._computed(("separator",), digest, body, key, facts)
        for message, other in self._case.messages:
            yield self._signed(("other-message",), other, key, {"message": message})
        if len(body) <= PAIRS_BODY_BYTES_MAX:
            yield from self._pairs()

    def _pairs(self) -> Iterator[_Attempt]:
        body, key = self._case.body, self._key
        keys, wrong = list(self._keys()), list(self._formulas())
        for names, other_body in self._near:
            for key_names, other_key, facts in keys:
                yield self._signed((*names, *key_names), other_body, other_key, facts)
            for formula_names, digest in wrong:
                yield self._computed((*names, *formula_names), digest, other_body, key)
        for key_names, other_key, facts in keys:
            for formula_names, digest in wrong:
                yield self._computed((*formula_names, *key_names), digest, body, other_key, facts)

    def _others(self, made: Iterator[bodies.Body]) -> Iterator[bodies.Body]:
        """Other bodies than the real one; those that are near it are kept for the pairs."""
        for names, other in made:
            if other == self._case.body:
                continue
            if len(names) <= NEAR_NAMES_MAX and len(other) <= PAIRS_BODY_BYTES_MAX:
                self._near.append((names, other))
            yield names, other

    def _keys(self) -> Iterator[tuple[Names, bytes, Mapping[str, str]]]:
        case, key = self._case, self._key
        for former in case.former:
            yield ("key-previous",), former, {}
        for game, other in case.others:
            yield ("key-of-another-game",), other, {"game": game}
        for names, other in shared_keys.key_mistakes(key):
            yield names, other, {"text": _shown(other)} if names == ("key-undefined",) else {}
        if case.game_id is not None:
            yield ("key-is-game-id",), case.game_id.encode("utf-8", "replace"), {}

    def _formulas(self) -> Iterator[tuple[Names, formulas.Digest]]:
        return formulas.formula_mistakes(self.sign)

    def _signed(
        self, names: Names, body: bytes, key: bytes, facts: Mapping[str, str] | None = None
    ) -> _Attempt:
        known = {"text": _shown(body)} if "body-is-object" in names else {}
        return self._computed(names, self.sign, body, key, {**known, **(facts or {})})

    def _computed(
        self,
        names: Names,
        digest: formulas.Digest,
        body: bytes,
        key: bytes,
        facts: Mapping[str, str] | None = None,
    ) -> _Attempt:
        return _Attempt(
            names=names, size_bytes=len(body), digest=lambda: digest(body, key), facts=facts or {}
        )


def _shown(text: bytes) -> str:
    return repr(text.decode("utf-8", "replace"))


def _found(
    notices: NoticesPart, case: SignatureCase, names: Names, facts: Mapping[str, str], *, tried: int
) -> Diagnosis:
    if not names:
        return Diagnosis(
            ok=True,
            cause=None,
            says=f"the signature is right: {notices.formula}",
            remedy="nothing is to be done about it",
            clause=notices.clauses.get("digest", notices.clause),
            tried=tried,
        )
    causes = [(name, SIGNATURE_CAUSES[name]) for name in dict.fromkeys(names)]
    known = {"formula": notices.formula, "game": case.game, "text": "undefined", **facts}
    named = compose(causes, known, notices.clauses, clause=notices.clause)
    return Diagnosis(ok=False, tried=tried, **named)


def _nothing(notices: NoticesPart, *, tried: int) -> Diagnosis:
    return Diagnosis(
        ok=False,
        cause=None,
        says=f"none of {tried} known mistakes gives this signature: "
        "it was made with a key that is not known here, or over a body that is not this one",
        remedy=f"write out the exact bytes that were hashed, compare them with the raw body byte by byte, "
        f"and check which key was used; the rule is {notices.formula}",
        clause=notices.clauses.get("digest", notices.clause),
        tried=tried,
    )
