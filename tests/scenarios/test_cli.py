"""The command: help, suggestions, exit codes of usage, and what it needs to import."""

import json
import subprocess
import sys

import pytest
from coinslot_scenarios.cli import Commands, main


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_version_is_printed(capsys):
    """--version."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("coinslot ")


@pytest.mark.parametrize(
    "command", [*Commands.lazy, "verify token", "verify callback", "diagnose signature", "diagnose token"]
)
def test_every_command_has_help_with_an_example(capsys, command):
    """A person should not have to look elsewhere."""
    assert main([*command.split(), "--help"]) == 0
    text = capsys.readouterr().out
    assert f"coinslot {command.split()[0]}" in text
    assert "Example" in text or command in ("verify", "diagnose")


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["chek"], "no command 'chek', did you mean 'check'?"),
        (["check", "--profil", "x"], "Did you mean one of: '--portal', '--profile'?"),
        (["check"], "name the backend's profile: --profile FILE"),
        (["check", "--list", "JG-PAY-5"], "did you mean 'JG-PAY-05'?"),
        (["check", "--list", "--portal", "jogo"], "unknown portal 'jogo', did you mean 'jogos'?"),
        (
            ["check", "--profile", "nowhere.yaml"],
            "nowhere.yaml:1:1: cannot be read: no such file or directory",
        ),
        (["sandbox", "--retry", "loacl"], "unknown retry preset 'loacl', did you mean 'local'?"),
        (["clauses", "jogos.iap"], "unknown clause 'jogos.iap'"),
        (["verify", "callback", "nofile.json"], "SHARED_KEY"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line_and_exits_2(capsys, argv, says):
    """What happened and what to do next, no traceback."""
    assert main(argv) == 2
    text = capsys.readouterr().err
    assert says in text
    assert len(text.strip().splitlines()) == 1


def test_no_command_at_all_shows_the_help(capsys):
    """And is a usage error."""
    assert main([]) == 2
    assert "Commands:" in capsys.readouterr().out


def test_the_list_shows_what_would_run(capsys):
    """One line for each item."""
    assert main(["check", "--list", "jogos:iap.3"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [
        "JG-RECON-01[1]",
        "JG-RECON-01[21]",
        "JG-RECON-01[55]",
    ]


def test_an_empty_selection_runs_nothing_and_exits_4(capsys):
    """4: nothing ran."""
    assert main(["check", "--list", "-k", "nothing-is-called-so"]) == 4
    assert capsys.readouterr().out == ""


def test_the_environment_block_is_printed_for_a_profile(tmp_path, capsys, monkeypatch):
    """--print-env, for a backend that is started by hand."""
    monkeypatch.setenv("KEY", "my-shared-key")
    (tmp_path / "p.yaml").write_text(
        "coinslot-profile: 1\nbase_url: http://127.0.0.1:1\n"
        "jogos: {game_id: 9943, shared_key: '${env:KEY}', callback: {path: /n}}\n"
    )

    assert main(["check", "--profile", "p.yaml", "--print-env", "--port", "8000"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "JOGOS_WEB_URL=http://127.0.0.1:8000",
        "JOGOS_API_URL=http://127.0.0.1:8000",
        "JOGOS_GAME_ID=9943",
        "JOGOS_SHARED_KEY=my-shared-key",
        "COINSLOT_ALLOW_TEST_KEYS=1",
    ]


def test_clauses_are_listed_with_their_lines_and_checks(capsys):
    """In our own words, with where they stand."""
    assert main(["clauses", "jogos:iap.2"]) == 0
    text = capsys.readouterr().out
    assert "lines 181-194" in text
    assert "checks: JG-CB-07" in text
    assert "JG-ARR-01" in text


def test_a_notification_is_verified_from_a_file(tmp_path, capsys, monkeypatch):
    """0 good, 1 refused; one JSON object either way."""
    monkeypatch.setenv("SHARED_KEY", "k")
    body = (
        b'{"paytype":"pay","gameId":9968,"orderId":"o","arrivedStatus":0,"productId":"1002",'
        b'"createTime":1,"payTime":2,"userId":278,"refundStatus":null,"refundTime":null}'
    )
    (tmp_path / "body.json").write_bytes(body)
    import hashlib

    good = hashlib.sha1(body + b"k").hexdigest()

    assert main(["verify", "callback", "body.json", "--signature", good]) == 0
    assert json.loads(capsys.readouterr().out)["user_id"] == "278"
    assert main(["verify", "callback", "body.json", "--signature", "0" * 40]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "signature-mismatch"
    assert main(["verify", "callback", "body.json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "signature-missing"


def test_the_command_imports_click_and_the_standard_library_alone():
    """Everything else is imported inside the commands, so that the base install can say what is missing."""
    program = (
        "import sys, coinslot_scenarios.cli\n"
        "known = {name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)\n"
        "heavy = ('yaml', 'pydantic', 'flask', 'urllib3', 'sqlalchemy', 'faker')\n"
        "print(sorted(name for name in heavy if name in known))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("missing", "argv", "extra"),
    [
        ("yaml", "check --list", "harness"),
        ("flask", "sandbox --port 0", "sandbox"),
        ("sqlalchemy", "demo", "demo"),
    ],
)
def test_a_command_whose_extra_is_missing_names_the_extra(missing, argv, extra):
    """2, and the line to type."""
    program = (
        "import sys, importlib.util\n"
        f"sys.modules['{missing}'] = None\n"
        "find = importlib.util.find_spec\n"
        f"importlib.util.find_spec = lambda name, *rest: None if name == '{missing}' else find(name, *rest)\n"
        "from coinslot_scenarios.cli import main\n"
        f"sys.exit(main({argv.split()!r}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert f"pip install 'coinslot[{extra}]'" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
