"""Every public name of the verifier says what it takes, in which units, how it fails and by which clause.

The rules are mechanical; whatever is excused from one is listed here, with the reason.
"""

import dataclasses
import importlib
import importlib.resources
import inspect
import re

import coinslot_verifier
import pytest
from coinslot_contracts.errors import CoinslotError, Refused, Undecided

CITATION = re.compile(r"\b(?:sandbox|rfc\d+):[a-z0-9.A-Z-]+[a-z0-9A-Z]")
ERRORS_SAID = re.compile(
    r"^\s*errors\s|\braises\b|\bError\b for\b|(?:Invalid|Unknown|Malformed|Error) (?:where|unless|for)\b",
    re.MULTILINE,
)
UNITS = ("_s", "_bytes", "_bits", "_max", "_no", "_size", "_total", "_status", "_chars")
JUDGES = re.compile(
    r"^(verify|check|parse|read|confirm|list_orders|keys_for|apply|reverify|run_|settle$|reconcile$)"
)
"""Names of what judges input or asks a portal: it says its errors and its clause."""

SAME_EVERYWHERE = {
    "config": "the VerifierConfig",
    "client": "a PortalClient, or whoever asks the portal in its place",
    "connection": "the caller's own transaction, see Ledger.begin",
    "engine": "from open_engine, see Ledger",
    "game_id": "the game's id at the portal, decimal text",
    "kid": "the key id that a token names, None where it names none",
    "ledger": "a Ledger",
    "monotonic": "seconds that never go back; tests give their own",
    "notification": "what NotificationVerifier.verify returned",
    "order_id": "the portal's id of an order, opaque text",
    "portal": "a portal's name, see VerifierConfig",
    "order": "a ListedOrder",
    "product_id": "the game's id of a product, opaque text",
    "sender": "who sends over HTTP; by default `http_out.HttpOut`, tests pass another",
    "token": "the compact token, str or bytes",
    "user_id": "the portal's id of a player, opaque text",
    "verifier": "the verifier that judges: an IdentityVerifier, or a PurchaseVerifier",
}
"""Words that mean one thing in the whole library, so that no docstring has to repeat it."""

NOT_SAYING_ERRORS = {
    "Ledger.settle": "a row of the portal's list was judged by list_orders; only the database can fail",
}
NOT_CITING = {
    "NotificationVerifier": "which bytes are signed is the portal's clause: NoticesPart.clause",
    "PurchaseVerifier.confirm": "what the portal's answer means is its own clause",
    "Ledger.settle": "sandbox:at-least-once stands at the head of the module, for all of the ledger",
}

PUBLIC = sorted(coinslot_verifier.__all__)


def _public_callables():
    """(qualified name, callable, owner or None) of every public function, method and constructor."""
    for name in PUBLIC:
        thing = getattr(coinslot_verifier, name)
        if not inspect.isclass(thing):
            yield name, thing, None
            continue
        for member, value in vars(thing).items():
            function = getattr(value, "__func__", value)
            if inspect.isfunction(function) and (not member.startswith("_") or member == "__init__"):
                yield f"{name}.{member}", function, thing


CALLABLES = {name: (function, owner) for name, function, owner in _public_callables()}
METHODS = [
    name
    for name, (_, owner) in CALLABLES.items()
    if not name.endswith(".__init__") and not (owner and issubclass(owner, CoinslotError))
]


def _doc(name):
    """The docstring; a constructor's stands in its class."""
    function, owner = CALLABLES[name]
    return inspect.getdoc(owner if name.endswith(".__init__") else function) or ""


def _module_doc(name):
    function, _ = CALLABLES[name]
    return importlib.import_module(function.__module__).__doc__ or ""


def _parameters(name):
    """The parameters that a caller gives, generated constructors of dataclasses left out."""
    function, owner = CALLABLES[name]
    written = not (
        owner is None
        or dataclasses.is_dataclass(owner)
        or issubclass(owner, CoinslotError)
        or getattr(owner, "_is_protocol", False)
    )
    if name.endswith(".__init__") and not written:
        return []
    skipped = {"self", "cls"}
    return [each for each in inspect.signature(function).parameters.values() if each.name not in skipped]


def _is_said(word, doc):
    return re.search(rf"\b{re.escape(word)}\b", doc) is not None


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_says_what_it_is(name):
    """One sentence of its own at least, not one that a base class or a decorator wrote."""
    thing = getattr(coinslot_verifier, name)
    doc = (vars(thing).get("__doc__") if inspect.isclass(thing) else inspect.getdoc(thing)) or ""

    assert len(doc.split()) >= 4
    assert re.search(r"[.:;]$", doc.strip().splitlines()[0]) or "\n" in doc.strip()
    assert not doc.startswith(f"{name}("), "a signature that dataclass wrote is no docstring"


@pytest.mark.parametrize("name", METHODS)
def test_a_public_method_says_what_it_does(name):
    """Also where its name seems to say it."""
    assert len(_doc(name).split()) >= 4


@pytest.mark.parametrize("name", CALLABLES)
def test_every_parameter_is_told_of(name):
    """By the docstring, by the unit in its own name, or because the word means the same everywhere."""
    doc = _doc(name)
    untold = [
        each.name
        for each in _parameters(name)
        if each.name not in SAME_EVERYWHERE and not each.name.endswith("_s") and not _is_said(each.name, doc)
    ]

    assert untold == []


def _number_fields():
    for name in PUBLIC:
        thing = getattr(coinslot_verifier, name)
        if inspect.isclass(thing) and dataclasses.is_dataclass(thing):
            for field in dataclasses.fields(thing):
                if re.fullmatch(r"(int|float)( \| None)?", getattr(field.type, "__name__", str(field.type))):
                    yield name, field.name


@pytest.mark.parametrize(("name", "field"), list(_number_fields()))
def test_every_number_has_a_unit(name, field):
    """In its name, or in the docstring of its class."""
    doc = inspect.getdoc(getattr(coinslot_verifier, name)) or ""

    assert field.endswith(UNITS) or _is_said(field, doc) or field == "attempts"


@pytest.mark.parametrize("name", [name for name in METHODS if JUDGES.match(name.split(".")[-1])])
def test_whatever_judges_says_how_it_fails_and_by_which_clause(name):
    """The errors that it raises, by family; the clause in its own docstring or at the head of its module."""
    cited = CITATION.search(_doc(name)) or CITATION.search(_module_doc(name))
    owner = name.split(".")[0]

    assert ERRORS_SAID.search(_doc(name)) or name in NOT_SAYING_ERRORS
    assert cited or name in NOT_CITING or owner in NOT_CITING


def test_every_excuse_is_of_something_that_exists():
    """An excuse that outlives its reason would hide the next fault."""
    known = {*CALLABLES, *PUBLIC}

    assert {*NOT_SAYING_ERRORS, *NOT_CITING} <= known
    assert all(SAME_EVERYWHERE.values())


def test_the_rules_find_what_is_wrong():
    """The twin of all the above: a docstring without them fails."""

    def verify(token):
        """Checks it."""

    doc = inspect.getdoc(verify)
    assert not ERRORS_SAID.search(doc)
    assert not CITATION.search(doc)
    assert not _is_said("token", doc)


@pytest.mark.parametrize("name", [name for name in PUBLIC if name.endswith(("Refused", "Undecided"))])
def test_both_families_are_public(name):
    """What a caller catches."""
    assert issubclass(getattr(coinslot_verifier, name), Refused | Undecided)


def test_the_packages_are_typed():
    """PEP 561: without py.typed a user's type checker sees Any."""
    for package in ("coinslot_contracts", "coinslot_verifier"):
        folder = importlib.import_module(package).__path__[0]
        assert (importlib.resources.files(package) / "py.typed").is_file(), folder
