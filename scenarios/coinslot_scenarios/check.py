"""The whole of `coinslot check`: choose items, set up, look before leaping, play, report, give an exit code.

Prints through the functions it is given; no click here, so that `demo` and tests use it as it is.
"""

import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from coinslot_contracts.clauses import clauses

from coinslot_scenarios.client import SandboxFault
from coinslot_scenarios.launch import StartFailed
from coinslot_scenarios.model import Item
from coinslot_scenarios.perform import Outcome
from coinslot_scenarios.preflight import PreflightFailed, preflight
from coinslot_scenarios.problems import InvalidFiles, UsageProblem
from coinslot_scenarios.profile import Profile, load_profile
from coinslot_scenarios.report.junit import write_junit
from coinslot_scenarios.report.terminal import Printer
from coinslot_scenarios.run import run_items
from coinslot_scenarios.secrets_mask import Masker
from coinslot_scenarios.select_items import Selection, select
from coinslot_scenarios.session import Wishes, environment_block, open_world
from coinslot_scenarios.verdicts import Verdict, exit_code, verdict_line
from coinslot_scenarios.world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOptions:
    """Everything that the command line, or a caller, decides.

    environ   where `${env:NAME}` and the control token come from
    seed      None draws one
    """

    profile: Path
    environ: Mapping[str, str]
    selection: Selection = field(default_factory=Selection)
    report: Path = Path("coinslot-report")
    strict: bool = False
    require: tuple[str, ...] = ()
    jobs: int = 16
    max_fail: int | None = None
    seed: int | None = None
    salt: str | None = None
    slow_factor: float = 1.0
    preflight: bool = True
    port: int = 7711
    control_port: int = 7712
    sandbox_url: str | None = None
    control_url: str | None = None
    backend_env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What came of a run; report and line are None where no item was started."""

    exit_code: int
    report: Path | None = None
    line: str | None = None
    outcomes: tuple[Outcome, ...] = ()

    def failed(self, check_id: str) -> bool:
        """Whether an item of this check failed."""
        return any(
            outcome.verdict is Verdict.FAIL and outcome.item.scenario.id == check_id
            for outcome in self.outcomes
        )


def run_check(options: CheckOptions, printer: Printer) -> CheckResult:
    """Run; every expected failure is a line for people and an exit code, never an exception."""
    masker = Masker()
    printer.mask = masker.mask
    try:
        items = select(options.selection)
        profile = load_profile(options.profile, environ=options.environ, masker=masker)
        make_writable(options.report)
        return _run(items, profile, options, printer, masker)
    except InvalidFiles as error:
        printer.problems(str(problem) for problem in error.problems)
        return CheckResult(exit_code=2)
    except UsageProblem as error:
        return _ended(printer, str(error), 2)
    except (StartFailed, PreflightFailed) as error:
        return _ended(printer, str(error), 3)
    except SandboxFault as error:
        return _ended(printer, str(error), 5)


def _ended(printer: Printer, text: str, code: int) -> CheckResult:
    printer.error(text)
    return CheckResult(exit_code=code)


def _run(
    items: Sequence[Item], profile: Profile, options: CheckOptions, printer: Printer, masker: Masker
) -> CheckResult:
    seed = options.seed if options.seed is not None else random.SystemRandom().randrange(1, 100_000)
    required = {*options.require, *profile.shape.expect_capabilities}
    outcomes: list[Outcome] = []
    if items:
        with open_world(profile, _wishes(options, seed), logs=options.report, masker=masker) as world:
            for note in preflight(world) if options.preflight else []:
                printer.note(note)
            printer.begin(len(items), options.report / "junit.xml")
            outcomes = run_items(
                items,
                world,
                jobs=options.jobs,
                max_fail=options.max_fail,
                required=required,
                on_outcome=printer.outcome,
            )
            for note in unclaimed_calls(world):
                printer.note(note)
    missing = sorted(required - profile.capabilities)
    for name in missing:
        printer.note(f"required capability '{name}' is not in the profile")
    return _report(outcomes, options, printer, seed=seed, missing=bool(missing), name=profile.shape.name)


def _wishes(options: CheckOptions, seed: int) -> Wishes:
    own = {} if options.salt is None else {"salt": options.salt}
    return Wishes(
        seed=seed,
        environ=options.environ,
        port=options.port,
        control_port=options.control_port,
        sandbox_url=options.sandbox_url,
        control_url=options.control_url,
        slow_factor=options.slow_factor,
        jobs=options.jobs,
        backend_env=options.backend_env,
        **own,
    )


def _report(
    outcomes: Sequence[Outcome],
    options: CheckOptions,
    printer: Printer,
    *,
    seed: int,
    missing: bool,
    name: str,
) -> CheckResult:
    path = options.report / "junit.xml"
    write_junit(outcomes, path=path, seed=seed, name=name)
    checked, whole = _clauses(outcomes)
    line = verdict_line(outcomes, seed=seed, clauses_checked=checked, clauses_all=whole)
    printer.end(outcomes, path, line)
    code = exit_code((outcome.verdict for outcome in outcomes), strict=options.strict, missing=missing)
    return CheckResult(exit_code=code, report=path, line=line, outcomes=tuple(outcomes))


def _clauses(outcomes: Sequence[Outcome]) -> tuple[int, int]:
    """How many clauses that bind a backend were checked, of how many there are for the portals that ran."""
    portals = {outcome.item.scenario.portal for outcome in outcomes}
    binding = {
        clause.id
        for clause in clauses().values()
        if clause.binds == "backend" and clause.id.split(":")[0] in portals
    }
    ran = [outcome for outcome in outcomes if outcome.verdict is not Verdict.NOT_APPLICABLE]
    cited = {clause for outcome in ran for clause in outcome.item.scenario.clauses}
    return len(cited & binding), len(binding)


def unclaimed_calls(world: World) -> list[str]:
    """A line for each kind of call about an order that no item made: mixed-up ids show here."""
    games = {game.game_id for game in world.games.values()}
    calls = world.journal.entries(
        lambda entry: (
            entry.dir == "in"
            and entry.game_id in games
            and entry.order_id is not None
            and entry.order_id not in world.claimed
        )
    )
    counted = Counter((entry.endpoint, entry.order_id) for entry in calls)
    return [
        f"unclaimed call: {endpoint} about order {order_id}, which no check made ({count} times)"
        for (endpoint, order_id), count in counted.most_common(3)
    ]


def make_writable(folder: Path) -> None:
    """Make sure that the report can be written, before the first request; UsageProblem where it cannot."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
        for name in ("junit.xml", "sandbox.log", "backend.log"):
            with contextlib.suppress(FileNotFoundError), (folder / name).open("r+b"):
                pass
    except OSError as error:
        reason = (error.strerror or "no reason given").lower()
        raise UsageProblem(f"the report cannot be written to {folder}: {reason}; use --report DIR") from None


def print_environment(profile: Profile, *, port: int) -> list[str]:
    """The environment block for this profile, one NAME=value for each line."""
    from coinslot_contracts.portal import discover

    base_url = f"http://127.0.0.1:{port}"
    members = {
        name: {"game_id": "", "shared_key": "", **discover()[name].addresses(base_url)}
        for name in profile.portals
    }
    block = environment_block(profile, members)
    return [f"{name}={value}" for name, value in block.items() if value]
