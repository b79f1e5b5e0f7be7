"""The pytest front: scenario files as test items, and fixtures for tests that are written in Python.

`coinslot_workspace` gives a test a workspace of its own. `pytest path/to/scenarios --coinslot-profile FILE`
plays checks on the same engine as `coinslot check`. The top imports pytest and the standard library alone,
because pytest loads it in every project in which Coinslot is installed, with whatever extras.
"""

import hashlib
import os
import random
import re
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from coinslot_sandbox import Sandbox, Workspace

    from coinslot_scenarios.model import Item
    from coinslot_scenarios.perform import Outcome
    from coinslot_scenarios.profile import Profile
    from coinslot_scenarios.world import World

_FIRST_KEY = re.compile(rb"\A(?:\xef\xbb\xbf)?(?:\s*(?:#[^\n]*|---[^\n]*)?\n)*coinslot[ \t]*:")
_HEAD_BYTES = 65_536
_SESSION = pytest.StashKey["_Session"]()


@pytest.fixture(scope="session")
def coinslot_sandbox() -> "Iterator[Sandbox]":
    """A sandbox in this process, on free ports; each worker of xdist has its own."""
    try:
        from coinslot_sandbox.sandbox import Sandbox
    except ModuleNotFoundError as error:
        pytest.fail(f"the fixture needs the extra: pip install 'coinslot[sandbox]' ({error})", pytrace=False)
    with Sandbox() as running:
        yield running


@pytest.fixture
def coinslot_workspace(coinslot_sandbox: "Sandbox", request: pytest.FixtureRequest) -> "Iterator[Workspace]":
    """A workspace of the test's own; the same test draws the same ids and keys in every run."""
    name = f"t-{hashlib.sha256(request.node.nodeid.encode()).hexdigest()[:20]}"
    with coinslot_sandbox.workspace(name=name, seed=0) as workspace:
        yield workspace


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of the front; without a profile the plugin does nothing."""
    group = parser.getgroup("coinslot", "coinslot: contract checks of a game's backend")
    group.addoption(
        "--coinslot-profile",
        metavar="FILE",
        help="how the backend is reached; collects scenario files (*.yaml whose first key is coinslot)",
    )
    group.addoption("--coinslot-seed", type=int, metavar="N", help="repeat a run")
    group.addoption(
        "--coinslot-report",
        metavar="DIR",
        default="coinslot-report",
        help="where the logs of sandbox and backend go (default: %(default)s)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the session where a profile is given; xdist cannot share one backend between processes."""
    if config.getoption("coinslot_profile") is None:
        _refuse_named_scenarios(config.args)
        return
    if hasattr(config, "workerinput") or config.getoption("numprocesses", default=None):
        raise pytest.UsageError(
            "coinslot's items share one backend and one sandbox, so they cannot run under xdist; "
            "for side by side use: coinslot check -j 16"
        )
    config.stash[_SESSION] = _Session(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the session started."""
    session = config.stash.get(_SESSION, None)
    if session is not None:
        session.close()


def pytest_report_header(config: pytest.Config) -> list[str]:
    """Profile and seed, so that a run can be repeated."""
    session = config.stash.get(_SESSION, None)
    if session is None:
        return []
    profile = config.getoption("coinslot_profile")
    return [f"coinslot: profile {profile}, seed {session.seed} (--coinslot-seed {session.seed} repeats it)"]


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> "ScenarioFile | None":
    """Take files whose first key is `coinslot`; every other YAML is left alone."""
    if file_path.suffix not in (".yaml", ".yml") or not _is_scenario(file_path):
        return None
    if _SESSION in parent.config.stash:
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def _refuse_named_scenarios(arguments: Iterable[str]) -> None:
    """A scenario that was asked for by name is not passed over in silence."""
    for argument in arguments:
        file = Path(argument.partition("::")[0])
        if file.suffix in (".yaml", ".yml") and _is_scenario(file):
            raise pytest.UsageError(f"{file.name} is a scenario of coinslot: add --coinslot-profile FILE")


def _is_scenario(file: Path) -> bool:
    try:
        with file.open("rb") as stream:
            return _FIRST_KEY.match(stream.read(_HEAD_BYTES)) is not None
    except OSError:
        return False


class ScenarioFile(pytest.File):
    """One scenario file; its checks, case by case, are the items."""

    def collect(self) -> Iterator["ScenarioItem"]:
        """Load the file; its mistakes are collection errors, one line each."""
        from coinslot_scenarios.load import load_items
        from coinslot_scenarios.problems import InvalidFiles

        try:
            items = load_items([self.path])
        except InvalidFiles as error:
            raise self.CollectError("\n".join(str(problem) for problem in error.problems)) from None
        for item in items:
            yield ScenarioItem.from_parent(self, name=item.name, item=item)


class ScenarioItem(pytest.Item):
    """One check, or one case of it."""

    def __init__(self, *, item: "Item", **given: Any) -> None:
        super().__init__(**given)
        self.item = item
        for tag in (item.scenario.portal, *item.scenario.tags):
            self.config.addinivalue_line("markers", f"{tag}: a portal or tag of coinslot's scenarios")
            self.add_marker(tag)

    def runtest(self) -> None:
        """Play the item; its verdict becomes pass, skip or failure."""
        session = self.config.stash[_SESSION]
        missing = sorted(self.item.needs - session.profile.capabilities)
        self._note(verdict="not applicable")
        if missing:
            pytest.skip(f"not applicable: needs {', '.join(missing)}")
        outcome = session.perform(self.item)
        self._note(verdict=outcome.verdict.value)
        if outcome.verdict.value in ("fail", "inconclusive", "error"):
            raise CheckFailed(outcome)

    def _note(self, *, verdict: str) -> None:
        scenario = self.item.scenario
        facts = {
            "clause": " ".join(scenario.clauses),
            "level": scenario.level,
            "seed": self.config.stash[_SESSION].seed,
            "verdict": verdict,
        }
        kept = [pair for pair in self.user_properties if pair[0] not in facts]
        self.user_properties = [*kept, *facts.items()]

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The failure message of `coinslot check`; a traceback only where the harness itself is at fault."""
        from coinslot_scenarios.problems import InvalidFiles, UsageProblem

        error = excinfo.value
        if isinstance(error, CheckFailed):
            from coinslot_scenarios.report.failure import message

            return self.config.stash[_SESSION].mask(message(error.outcome))
        if isinstance(error, InvalidFiles):
            return "\n".join(str(problem) for problem in error.problems)
        if isinstance(error, UsageProblem | SetUpFailed):
            return str(error)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """The file, the line of `id` (from 0) and the title."""
        place = self.item.scenario.place
        return self.path, place.line - 1, f"{self.name}: {self.item.scenario.title}"


class CheckFailed(Exception):
    """An item did not pass; its outcome tells everything."""

    def __init__(self, outcome: "Outcome") -> None:
        super().__init__(outcome.item.name)
        self.outcome = outcome


class SetUpFailed(Exception):
    """Sandbox or backend could not be started."""


class _Session:
    """Profile, sandbox and backend of one pytest run; started when the first item needs them."""

    def __init__(self, config: pytest.Config) -> None:
        try:
            from coinslot_scenarios.problems import InvalidFiles
            from coinslot_scenarios.profile import load_profile
            from coinslot_scenarios.secrets_mask import Masker
        except ModuleNotFoundError as error:
            lacking = f"scenarios need the extra harness, for {error.name} is missing"
            raise pytest.UsageError(f'{lacking}: pip install "coinslot[harness]"') from None

        self._stack = ExitStack()
        self._world: World | None = None
        self._trouble: str | None = None
        self._logs = Path(config.getoption("coinslot_report"))
        self._masker = Masker()
        self.mask = self._masker.mask
        self.seed = config.getoption("coinslot_seed")
        if self.seed is None:
            self.seed = random.SystemRandom().randrange(1, 100_000)
        try:
            file = Path(config.getoption("coinslot_profile"))
            self.profile: Profile = load_profile(file, environ=os.environ, masker=self._masker)
        except InvalidFiles as error:
            raise pytest.UsageError(*_lines(error.problems)) from None

    def perform(self, item: "Item") -> "Outcome":
        """Play one item in the world of the session."""
        from coinslot_scenarios.perform import perform

        return perform(item, self._open())

    def _open(self) -> "World":
        from coinslot_scenarios.check import make_writable
        from coinslot_scenarios.client import SandboxFault
        from coinslot_scenarios.launch import StartFailed
        from coinslot_scenarios.problems import UsageProblem
        from coinslot_scenarios.session import Wishes, open_world

        if self._trouble is not None:
            raise SetUpFailed(self._trouble)
        if self._world is None:
            wishes = Wishes(seed=self.seed, environ=os.environ, port=0, control_port=0)
            if self.profile.shape.start is None:
                wishes = Wishes(seed=self.seed, environ=os.environ)
            try:
                make_writable(self._logs)
                world = open_world(self.profile, wishes, logs=self._logs, masker=self._masker)
                self._world = self._stack.enter_context(world)
            except (SandboxFault, StartFailed, UsageProblem) as error:
                self._trouble = self.mask(str(error))
                raise SetUpFailed(self._trouble) from None
        return self._world

    def close(self) -> None:
        """Stop sandbox and backend."""
        self._stack.close()


def _lines(problems: Iterable[object]) -> list[str]:
    return [str(problem) for problem in problems]
