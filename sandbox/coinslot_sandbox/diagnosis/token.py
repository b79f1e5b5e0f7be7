"""Why a token does not verify: its text, its algorithm, its key, its times, its claims, and its reader.

Unlike a signature's, a token's mistakes can be seen one by one, so all of them are named, the first one as
the cause. What the portal signs comes as `TokenRules`; no portal is named here.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from coinslot_sandbox.diagnosis import claims as judge
from coinslot_sandbox.diagnosis import jws
from coinslot_sandbox.diagnosis.claims import Finding
from coinslot_sandbox.diagnosis.finding import Diagnosis, compose
from coinslot_sandbox.diagnosis.jws import KnownKey
from coinslot_sandbox.diagnosis.public_key import READ_BY_MOST
from coinslot_sandbox.diagnosis.reader_keys import reader_keys
from coinslot_sandbox.diagnosis.token_causes import STANDARDS, TOKEN_CAUSES
from coinslot_sandbox.diagnosis.token_rules import TokenRules
from coinslot_sandbox.diagnosis.token_text import Parts, as_text, split, unwrap

HEADERS_REFUSED: Final = frozenset({"crit", "jwk", "jku", "x5c", "x5u", "b64", "zip"})
HARMLESS: Final = frozenset({"kid-missing", "kid-duplicate", *READ_BY_MOST})
"""What a correct reader accepts, and a stricter or simpler one stumbles over."""
_SIGNER_CAUSES: Final = {
    "previous": "key-previous",
    "unpublished": "key-unpublished",
    "never-published": "key-never-published",
    "other-portal": "key-of-another-portal",
    "other-environment": "key-of-another-environment",
    "sandbox": "key-of-a-sandbox",
}
_READER_CAUSES: Final = {
    "previous": "public-key-outdated",
    "other-portal": "public-key-of-another-portal",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCase:
    """A token and all that is known about where it came from and how it was read.

    keys        every public key that is known; without one the signature stays unchecked
    games       it must be for one of these; none allows any
    now_s       the moment at which it is judged, seconds since 1970
    public_key  the text of the key that the reader uses
    user_id, audience  see `claims.reader_findings`
    """

    token: str
    keys: Sequence[KnownKey]
    now_s: float
    games: tuple[str, ...] = ()
    public_key: str | None = field(default=None, repr=False)
    user_id: str | None = None
    audience: str | None = None


def diagnose_token(rules: TokenRules, case: TokenCase) -> Diagnosis:
    """Name the mistakes in a token, or in how it is read."""
    core, dress = unwrap(case.token)
    parts = split(core, case.token)
    findings: list[Finding] = [(name, {}) for name in dress]
    if isinstance(parts, str):
        return _told(rules, [*findings, (parts, {})], tried=len(TOKEN_CAUSES))
    search = _Search(rules, case, parts)
    findings += search.signature_findings()
    findings += judge.time_findings(parts.claims, rules, now_s=case.now_s)
    findings += judge.issuer_findings(parts.claims, rules)
    user, unusable = judge.read_user(parts.claims, rules)
    findings += [
        *unusable,
        *judge.game_findings(user, case.games),
        *judge.reader_findings(parts.claims, user, user_id=case.user_id, audience=case.audience),
        *search.reader_key_findings(),
    ]
    return _told(
        rules, findings, tried=len(TOKEN_CAUSES), unsigned=search.unexplained, good=_notes(parts, rules)
    )


def best_of(found: Iterable[Diagnosis]) -> Diagnosis:
    """Of diagnoses by the rules of several portals, the one whose rules the token fits best."""
    return min(found, key=_misfit)


def _misfit(found: Diagnosis) -> tuple[bool, bool, int]:
    causes = (found.cause, *found.also)
    return (not found.ok, "key-of-another-portal" in causes, len(causes))


class _Search:
    """Looks for who signed the token."""

    def __init__(self, rules: TokenRules, case: TokenCase, parts: Parts) -> None:
        self._rules = rules
        self._case = case
        self._parts = parts
        self._signer: KnownKey | None = None
        self.unexplained: str | None = None

    def signature_findings(self) -> Iterator[Finding]:
        """Algorithm, header, signature, and the key that made it."""
        parts, rules = self._parts, self._rules
        algorithm = parts.header.get("alg")
        facts = {"alg": as_text(algorithm), "algorithms": " or ".join(rules.algorithms)}
        offered = sorted(HEADERS_REFUSED.intersection(parts.header))
        if str(algorithm).lower() == "none":
            yield "alg-none", {}
        elif str(algorithm).startswith("HS") and self._is_forged_with_public_key():
            yield "alg-hs256-public-key", {}
        elif algorithm not in rules.algorithms:
            yield "alg-mismatch", facts
        elif not parts.signature:
            yield "signature-empty", {}
        else:
            yield from self._key_findings()
        if offered:
            yield "header-refused", {"members": ", ".join(offered)}

    def reader_key_findings(self) -> Iterator[Finding]:
        """What is wrong with the key that the reader uses: another one, or in a form that it cannot read."""
        if self._case.public_key is None:
            return
        found, forms = reader_keys(self._rules, self._case.public_key)
        held = [key.spki_der for key in found]
        forms = [form for form in forms if form not in READ_BY_MOST or not self._rules.names_keys]
        yield from ((form, {}) for form in forms if form not in READ_BY_MOST)
        if held and self._signer is not None and self._signer.spki_der not in held:
            known = next((key for key in self._case.keys if key.spki_der in held), None)
            role = "" if known is None else known.role
            facts = {"reader_key": "" if known is None else known.owner}
            yield _READER_CAUSES.get(role, "public-key-other"), facts
        yield from ((form, {}) for form in forms if form in READ_BY_MOST)

    def _is_forged_with_public_key(self) -> bool:
        texts = [text for key in self._case.keys for text in jws.public_texts(key.spki_der)]
        if self._case.public_key is not None:
            texts.append(self._case.public_key.encode("utf-8", "replace"))
        return jws.is_hmac_of_public_key(self._parts, texts)

    def _key_findings(self) -> Iterator[Finding]:
        keys = self._case.keys
        self._signer = signer = jws.find_signer(self._parts, keys)
        if signer is None:
            yield from self._without_signer()
        elif signer.role in _SIGNER_CAUSES:
            yield _SIGNER_CAUSES[signer.role], {"owner": signer.owner}
        elif not signer.can_sign:
            yield "key-not-for-signatures", {"owner": signer.owner}
        elif self._rules.names_keys and signer.role == "published":
            yield from self._kid_findings(signer)

    def _without_signer(self) -> Iterator[Finding]:
        keys, parts = self._case.keys, self._parts
        encoded = jws.find_der_signer(parts, keys)
        changed = jws.find_changed(parts, keys)
        longest = max((jws.signature_bytes(key.spki_der) for key in keys), default=0)
        if encoded is not None:
            yield "signature-der", {}
        elif changed is not None:
            yield "content-changed", {"owner": changed.owner}
        elif parts.signature and len(parts.signature) < longest and parts.header.get("alg") == "RS256":
            yield "token-truncated", {}
        elif self._rules.names_keys and keys and self._is_kid_unknown():
            yield "kid-unknown", {}
        else:
            self.unexplained = (
                f"none of the {len(keys)} known keys made its signature" if keys else "no key was given"
            )

    def _is_kid_unknown(self) -> bool:
        published = {key.kid for key in self._case.keys if key.role == "published"}
        return "kid" in self._parts.header and self._parts.header["kid"] not in published

    def _kid_findings(self, signer: KnownKey) -> Iterator[Finding]:
        kid = self._parts.header.get("kid")
        published = [key.kid for key in self._case.keys if key.role == "published"]
        if kid is None:
            yield "kid-missing", {}
        elif kid == signer.kid:
            if published.count(signer.kid) > 1:
                yield "kid-duplicate", {}
        elif kid in published:
            yield "kid-of-another-key", {}
        elif isinstance(kid, str) and kid.lower() in {str(known).lower() for known in published}:
            yield "kid-case", {}
        else:
            yield "kid-unknown", {}


def _notes(parts: Parts, rules: TokenRules) -> tuple[str, ...]:
    """What readers of a good token are mistaken about."""
    found = []
    if rules.sub_is_user:
        found.append(
            "the user is JSON text inside sub: a reader that takes the id from the top finds nothing"
        )
    if "aud" not in parts.claims:
        found.append("there is no aud: a reader that asks for an audience refuses it")
    if "exp" not in parts.claims:
        found.append("there is no exp: a reader that asks for one refuses it")
    return tuple(found)


def _told(
    rules: TokenRules,
    findings: Sequence[Finding],
    *,
    tried: int,
    unsigned: str | None = None,
    good: tuple[str, ...] = (),
) -> Diagnosis:
    """All findings as one diagnosis; `unsigned` says why nothing is known about the signature."""
    clauses: Mapping[str, str] = {**STANDARDS, **rules.clauses}
    facts = {name: value for _, known in reversed(findings) for name, value in known.items()}
    facts = {"algorithms": " or ".join(rules.algorithms), "algorithm": rules.algorithms[0], **facts}
    ok = unsigned is None and all(name in HARMLESS for name, _ in findings)
    notes = (*((unsigned,) if unsigned else ()), *(good if ok else ()))
    if findings:
        ordered = sorted(findings, key=lambda found: found[0] in HARMLESS)
        causes = [(name, TOKEN_CAUSES[name]) for name in dict.fromkeys(name for name, _ in ordered)]
        named = compose(causes, facts, clauses, clause=rules.clause)
        return Diagnosis(ok=ok, tried=tried, notes=notes, **named)
    says, remedy = _silent(rules, unsigned)
    return Diagnosis(
        ok=ok, cause=None, says=says, remedy=remedy, clause=rules.clause, tried=tried, notes=notes
    )


def _silent(rules: TokenRules, unsigned: str | None) -> tuple[str, str]:
    """Sentence and remedy where nothing was found."""
    if unsigned is None:
        return f"it is a good {rules.kind} token of {rules.title}", "nothing is to be done about it"
    return (
        f"all that can be seen of it is right, but {unsigned}",
        "give the key that the portal publishes, or look which sandbox, environment or portal signed it",
    )
