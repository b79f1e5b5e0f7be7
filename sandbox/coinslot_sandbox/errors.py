"""What can go wrong in the sandbox itself: it cannot start, or a control call cannot be done.

Portal answers are no errors; they are values made in contracts.
"""


class SandboxStartError(Exception):
    """The sandbox cannot start; the text is one line that says what happened and what to do next.

    exit_code  what the command exits with: 3 for a busy port or a store that cannot be written, 2 for usage
    """

    def __init__(self, message: str, exit_code: int = 3) -> None:
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code


class CallRefused(Exception):
    """What was asked for cannot be done as things are; a control call is answered with 409.

    Each area has a class of its own; code, detail, remedy and clause are those of `Problem`.
    """

    def __init__(self, code: str, detail: str, remedy: str, *, clause: str | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.clause = clause


class Problem(Exception):
    """A control call that is refused; becomes `application/problem+json`.

    code    stable, kebab-case; what programs and tests compare
    detail  what is wrong with this call, one sentence
    remedy  what to do next, the member `try`
    clause  the clause or assumption that is behind it, if one is
    """

    def __init__(
        self, status: int, code: str, detail: str, *, remedy: str, clause: str | None = None
    ) -> None:
        super().__init__(f"{code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail
        self.remedy = remedy
        self.clause = clause
