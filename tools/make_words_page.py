"""Make docs/vocabulary.md: every fault, misdelivery, defect, spelling, shape and dialect, in one sentence.

`python tools/make_words_page.py` writes the page; a test compares it. The words come from contracts, where
API, command and YAML take them from too, so nothing is typed twice.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from coinslot_contracts import vocabulary
from coinslot_contracts.portal import Portal, discover

PAGE = Path(__file__).resolve().parent.parent / "docs/vocabulary.md"
HEAD = """# What the sandbox can say and do

Every name that faults, callbacks, tokens and dialects know. The control API, the page on the control port and
YAML scenarios use the same ones. The page is made by `make docs`. Do not edit it.

A fault is set with `POST /faults {"at": place, "with": {kind: parameter, …}}`; it acts until it is healed,
its `times` are used up or its `ttl_s` is over, and tells how many calls it saw and how often it fired.
"""
LISTS = (
    ("Limits of a fault", "`with` may hold beside the kind:", vocabulary.FAULT_LIMITS),
    ("Presets", "`POST /faults/preset`, `coinslot sandbox --preset`:", vocabulary.FAULT_PRESETS),
    ("Faults at endpoints and tokens", "`at` is an endpoint's name, or `token`:", vocabulary.FAULT_KINDS),
    (
        "Misdeliveries",
        "`at` is `delivery`; those about what is sent stand in `POST /callbacks` and a resend's `with` too:",
        vocabulary.MISDELIVERIES,
    ),
    ("Signatures", "of a hand-made callback, and of `corrupt_signature`:", vocabulary.SIGNATURE_DEFECTS),
    ("Wrong keys", "of `wrong_key`:", vocabulary.WRONG_KEYS),
    ("Spellings", "of a body, each with a valid signature over its own bytes:", vocabulary.ENCODINGS),
    ("Shapes of members", "of `field_shape`:", vocabulary.FIELD_SHAPES),
    (
        "Hostile tokens",
        "`POST /tokens`, `POST /purchases`:",
        {name: lie.says for name, lie in vocabulary.HOSTILE_TOKENS.items()},
    ),
    ("Rotations of keys", "`POST /keys/rotate`:", vocabulary.KEY_ROTATIONS),
    ("Odd entries of a key set", "`POST /keys/extra`:", vocabulary.KEY_ENTRIES),
    ("Retry presets", "of a game, an assumption (sandbox:retry-schedule):", vocabulary.RETRY_PRESETS),
    ("Rules of acknowledgement", "of a game:", vocabulary.ACK_RULES),
)


def page(portals: Mapping[str, Portal]) -> str:
    """The whole page."""
    parts = [_table(title, says, words) for title, says, words in LISTS]
    return "\n".join((HEAD, *parts, *_lies(portals), *_dialects(portals)))


def _table(title: str, says: str, words: Mapping[str, str]) -> str:
    rows = "".join(f"| `{name}` | {_cell(sentence)} |\n" for name, sentence in words.items())
    return f"## {title}\n\n{says}\n\n| name | what it does |\n|---|---|\n{rows}"


def _lies(portals: Mapping[str, Portal]) -> Iterator[str]:
    yield "## Lies of a portal's own\n\nWhat else can be wrong at each endpoint.\n"
    for portal in portals.values():
        for endpoint in portal.endpoints:
            if endpoint.lies:
                words = {name: lie.says for name, lie in endpoint.lies.items()}
                yield _table(endpoint.name, f"{endpoint.method} {endpoint.path}", words).replace(
                    "## ", "### ", 1
                )


def _dialects(portals: Mapping[str, Portal]) -> Iterator[str]:
    yield (
        "## Dialects\n\nHow a portal speaks where its document is silent or contradicts itself; the first"
        " variant of each is the default. `PUT /dialects` chooses, `coinslot clauses` explains each.\n"
    )
    for portal in portals.values():
        rows = [
            f"| `{name}` | `{variant}` | {_cell(says)} | {dialect.clause} |\n"
            for name, dialect in portal.dialects.items()
            for variant, says in dialect.variants.items()
        ]
        head = "| dialect | variant | the portal then | assumption |\n|---|---|---|---|\n"
        yield f"### {portal.title}\n\n{head}{''.join(rows)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page(discover()), "utf-8")
