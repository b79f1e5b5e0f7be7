"""What a person sees: report path first, progress on stderr, failures in full, verdict line last.

Plain text when the output is no terminal or NO_COLOR is set. Decides nothing.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from coinslot_scenarios.perform import Outcome
from coinslot_scenarios.report.failure import message
from coinslot_scenarios.verdicts import Verdict

_COLOURS = {
    Verdict.PASS: "32",
    Verdict.FAIL: "31;1",
    Verdict.WARN: "33",
    Verdict.INFO: "36",
    Verdict.NOT_APPLICABLE: "2",
    Verdict.INCONCLUSIVE: "35;1",
    Verdict.ERROR: "31;7",
}
_SHOWN = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR, Verdict.WARN, Verdict.INFO)
_FULL = (Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.ERROR)


class Printer:
    """Writes to stdout and stderr.

    verbose   a line for every item, warnings in full
    color     None decides by terminal and NO_COLOR
    """

    def __init__(
        self, *, environ: Mapping[str, str], verbose: bool = False, color: bool | None = None
    ) -> None:
        self._color = sys.stdout.isatty() and not environ.get("NO_COLOR") if color is None else color
        self._live = sys.stderr.isatty()
        self._verbose = verbose
        self._done = 0
        self._all = 0
        self._printed = 0
        self.mask: Callable[[str], str] = lambda text: text

    def note(self, text: str) -> None:
        """Something worth knowing that ends nothing."""
        self._err(f"note: {text}")

    def error(self, text: str) -> None:
        """Why the run ended before it began."""
        self._err(f"error: {text}")

    def problems(self, lines: Iterable[str]) -> None:
        """Mistakes in files, one for each line."""
        for line in lines:
            self._err(line)

    def begin(self, count: int, report: Path) -> None:
        """So many items will run, and the report will be here."""
        self._all = count
        self._out(str(report))

    def outcome(self, outcome: Outcome) -> None:
        """One item has ended."""
        self._done += 1
        if self._verbose:
            self._clear()
            word = self._paint(f"{outcome.verdict.value:>14}", outcome.verdict)
            reason = f"   ({outcome.reason})" if outcome.reason else ""
            title = f"{outcome.item.scenario.title}{reason}"
            self._out(f"{word}  {outcome.item.name:32} {outcome.took_s:6.2f} s  {title}")
        elif self._live:
            sys.stderr.write(f"\r\x1b[K  {self._done}/{self._all}  {outcome.item.name}")
            sys.stderr.flush()

    def end(self, outcomes: Sequence[Outcome], report: Path, line: str) -> None:
        """Failures in full, the rest in a line each, the verdict line last.

        What was printed may have pushed the report's path out of sight, so it is said again then.
        """
        self._clear()
        for verdict in _SHOWN:
            for outcome in outcomes:
                if outcome.verdict is verdict:
                    self._shown(outcome)
        for text in dict.fromkeys(note for outcome in outcomes for note in outcome.notes):
            self._out(f"note: {text}")
        left_out = [outcome for outcome in outcomes if outcome.verdict is Verdict.NOT_APPLICABLE]
        for outcome in left_out:
            self._out(f"not applicable: {outcome.item.name} {outcome.reason}")
        if self._printed != 1:
            self._out(str(report))
        self._out(line)

    def _shown(self, outcome: Outcome) -> None:
        if outcome.verdict in _FULL or self._verbose:
            first, _, rest = message(outcome).partition("\n")
            self._out(f"{self._paint(first, outcome.verdict)}\n{rest}\n")
            return
        finding = outcome.run.findings[0].reading if outcome.run and outcome.run.findings else None
        got = f"expected {finding.expected}; got {finding.got}" if finding else outcome.reason
        self._out(f"{self._paint(outcome.verdict.value.upper(), outcome.verdict)} {outcome.item.name}  {got}")

    def _paint(self, text: str, verdict: Verdict) -> str:
        return f"\x1b[{_COLOURS[verdict]}m{text}\x1b[0m" if self._color else text

    def _clear(self) -> None:
        if self._live and self._all:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _out(self, text: str) -> None:
        self._printed += 1
        sys.stdout.write(f"{self.mask(text)}\n")
        sys.stdout.flush()

    def _err(self, text: str) -> None:
        self._clear()
        sys.stderr.write(f"{self.mask(text)}\n")
        sys.stderr.flush()
