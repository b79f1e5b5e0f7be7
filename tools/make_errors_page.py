"""Make docs/errors.md: every stable error code with its cause, its remedy and who has to act.

`python tools/make_errors_page.py` writes the page; a test compares it. All of it comes from the error classes
in contracts and the sidecar's own codes, so nothing is typed twice.
"""

from pathlib import Path

from coinslot_contracts.errors import ACTORS, ERRORS, CoinslotError, Refused, Undecided
from coinslot_verifier.sidecar.problems import CALL_CODES

PAGE = Path(__file__).resolve().parent.parent / "docs/errors.md"
HEAD = """# Every error code

`error.code` of the library, `code` in a problem of the sidecar, the first word of what the command prints.
Codes are never renamed. `error.cause`, `error.remedy` and `error.acts` hold what stands here. No message
holds key material, a part of a token or a shared key, so it may be logged. The page is made by `make docs`.
Do not edit it.
"""
FAMILIES: tuple[tuple[type[CoinslotError], str], ...] = (
    (
        Refused,
        "Final: the same bytes get the same answer. Over HTTP a 4xx, or the portal's own code in the answer"
        " to a notification; exit code 1 of `coinslot verify`.",
    ),
    (
        Undecided,
        "Nothing was decided about the input: ask again later, and tell no player that it is a forgery."
        " Over HTTP a 503 with Retry-After; exit code 3 of `coinslot verify`.",
    ),
)


def page() -> str:
    """The whole page."""
    actors = "".join(f"| {name} | {_cell(says)} |\n" for name, says in ACTORS.items())
    who = f"## Who has to act\n\n| who | that is |\n|---|---|\n{actors}"
    return "\n".join((HEAD, *(_family(family, says) for family, says in FAMILIES), _calls(), who))


def _family(family: type[CoinslotError], says: str) -> str:
    rows = "".join(_row(error) for error in ERRORS if issubclass(error, family))
    head = "| code | means | usual cause | remedy | who acts |\n|---|---|---|---|---|\n"
    return f"## {family.__name__}\n\n{says}\n\n{head}{rows}"


def _calls() -> str:
    rows = "".join(
        f"| `{code}` | {call.status} | {_cell(call.cause)} | {_cell(call.remedy)} |\n"
        for code, call in CALL_CODES.items()
    )
    head = "| code | HTTP | usual cause | remedy |\n|---|---|---|---|\n"
    return (
        "## Calls that the sidecar itself refuses\n\nNot verdicts: the caller or its set-up is to be mended."
        f"\n\n{head}{rows}"
    )


def _row(error: type[CoinslotError]) -> str:
    means = (error.__doc__ or "").strip()
    cells = (f"`{error.code}`", means, error.cause, error.remedy, error.acts)
    return f"| {' | '.join(_cell(cell) for cell in cells)} |\n"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
