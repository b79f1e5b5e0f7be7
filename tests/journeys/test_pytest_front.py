"""`pytest path/to/scenarios --coinslot-profile FILE`, as a team that lives in pytest runs it."""

import textwrap
from pathlib import Path
from xml.etree import ElementTree as ET

import coinslot_scenarios
import pytest
from coinslot_testkit.inner_pytest import run_inner_pytest

SCENARIOS = Path(coinslot_scenarios.__file__).parent
FLASK = SCENARIOS / "backends/flask/profile.yaml"
LOGIN = SCENARIOS / "suite/jogos/login"
BASE_ALONE = """
import sys
ABSENT = {"flask", "cheroot", "sqlalchemy", "jwt", "faker", "pydantic", "yaml", "jsonpath", "rich"}
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


@pytest.fixture
def run_pytest(tmp_path):
    """Runs pytest in an empty folder, in a process of its own, with our plugin or with every one there is."""

    def run(*arguments, xdist=False, **options):
        named = ("coinslot", "timeout", "xdist") if xdist else ("coinslot", "timeout")
        plugins = () if options.get("all_plugins") else named  # timeout: our own configuration sets it
        return run_inner_pytest(*arguments, cwd=tmp_path, plugins=plugins, **options)

    return run


def _with(profile):
    return f"--coinslot-profile={profile}"


def test_checks_are_items_that_can_be_chosen_and_reported(run_pytest, tmp_path):
    """-k chooses by case, -m by tag, --junitxml holds clause, level, seed and verdict."""
    options = ["-k", "JG-LOGIN-01 or last-dot-gone", "-m", "login", "--junitxml", tmp_path / "junit.xml"]
    done = run_pytest(LOGIN, _with(FLASK), "--coinslot-seed", "5", *options, all_plugins=True)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout
    cases = ET.parse(tmp_path / "junit.xml").getroot().findall(".//testcase")
    assert [case.get("name") for case in cases] == ["JG-LOGIN-01", "JG-LOGIN-22[last-dot-gone]"]
    facts = {fact.get("name"): fact.get("value") for fact in cases[0].findall(".//property")}
    assert facts == {"clause": "jogos:user.3", "level": "must", "seed": "5", "verdict": "pass"}


def test_a_failure_is_the_harnesses_message_without_a_traceback(run_pytest):
    """The same words as `coinslot check` prints."""
    bug = {"COINSLOT_BUG": "empty-signature-accepted"}
    done = run_pytest(LOGIN / "JG-LOGIN-22.yaml", _with(FLASK), "-k", "last-dot-gone", **bug)

    assert done.returncode == 1, done.stdout + done.stderr
    assert "expected  answer: rejected" in done.stdout
    assert "[jogos:user.3]" in done.stdout
    assert "Traceback" not in done.stdout
    assert "plugin.py" not in done.stdout


def test_what_the_profile_does_not_open_is_skipped_with_its_reason(run_pytest, tmp_path):
    """Not applicable is said, never passed over."""
    profile = tmp_path / "profile.yaml"
    profile.write_text(
        "coinslot-profile: 1\nbase_url: http://127.0.0.1:9\njogos: {game_id: 1, shared_key: k}\n", "utf-8"
    )
    done = run_pytest(LOGIN / "JG-LOGIN-01.yaml", _with(profile), "-rs")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "not applicable: needs jogos.login" in done.stdout


def test_other_yaml_is_left_alone_and_mistakes_are_collection_errors(run_pytest, tmp_path):
    """Two files: one is nobody's scenario, one has a misspelt verb."""
    (tmp_path / "docker-compose.yaml").write_text("services: {}\n", "utf-8")
    (tmp_path / "wrong.yaml").write_text(
        textwrap.dedent("""\
            # a comment first
            coinslot: 1
            id: OWN-01
            title: A player can log in
            clause: [jogos:user.3]
            steps:
              - plaier: {as: alice}
        """),
        "utf-8",
    )
    done = run_pytest(tmp_path, _with(FLASK))

    assert done.returncode == 2
    assert "wrong.yaml:7:5: unknown verb 'plaier', did you mean 'player'?" in done.stdout
    assert "1 error" in done.stdout


def test_xdist_is_refused_with_one_line_that_points_to_check(run_pytest):
    """One backend cannot be shared between processes."""
    done = run_pytest(LOGIN, _with(FLASK), "-n", "2", xdist=True)

    assert done.returncode == 4
    assert "coinslot check -j" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_scenario_without_a_profile_says_what_is_missing(run_pytest):
    """Asked for by name, it is not passed over in silence."""
    done = run_pytest(LOGIN / "JG-LOGIN-01.yaml")

    assert done.returncode == 4
    assert "--coinslot-profile" in done.stderr


def test_every_pytest_run_works_on_a_base_install(run_pytest, tmp_path):
    """pytest loads the plugin in every project, also where no extra is installed."""
    (tmp_path / "test_own.py").write_text("def test_own():\n    assert True\n", "utf-8")
    program = ("-c", BASE_ALONE)

    plain = run_pytest(tmp_path, program=program, all_plugins=True)
    asked = run_pytest(LOGIN, _with(FLASK), program=program)

    assert plain.returncode == 0, plain.stdout + plain.stderr
    assert asked.returncode == 4
    assert 'pip install "coinslot[harness]"' in asked.stderr
