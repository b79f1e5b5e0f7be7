"""`coinslot diagnose signature|token`: exit codes, one JSON object, and no key in any output."""

import base64
import hashlib
import hmac
import io
import json
import subprocess
import sys

import pytest
from coinslot_scenarios.cli import main
from coinslot_testkit.foreign_tokens import NOW_S, PEM, PEM_LINES, claims, sign
from cryptography.hazmat.primitives.asymmetric import rsa

KEY = "q7Hn2vXw9LkT4bRz8sYd1mPf6cJg3aEu"
OTHER_KEY = "another-key-0123456789abcdef0123"
BODY = b'{"gameId":9968,"n":"x"}'


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "body.json").write_bytes(BODY)
    (tmp_path / "key.txt").write_text(KEY + "\n", encoding="utf-8")
    (tmp_path / "publicKey.json").write_text(json.dumps({"data": PEM}), encoding="utf-8")
    (tmp_path / "key.pem").write_bytes(PEM_LINES)
    monkeypatch.setenv("SHARED_KEY", KEY)
    monkeypatch.setenv("OTHER_KEY", OTHER_KEY)


def run(capsys, *argv):
    """Exit code and the printed object."""
    code = main(["diagnose", *argv])
    printed = capsys.readouterr()
    assert KEY not in printed.out + printed.err
    assert OTHER_KEY not in printed.out + printed.err
    return code, json.loads(printed.out)


def signature(capsys, text, *argv):
    return run(capsys, "signature", "--body", "body.json", "--signature", text, *argv)


def sha1(*parts):
    return hashlib.sha1(b"".join(parts)).hexdigest()


def test_a_right_signature_exits_0(capsys):
    """With the key of the default variable, of a named one, and of a file; its last newline is no key."""
    good = sha1(BODY, KEY.encode())

    assert signature(capsys, good)[0] == 0
    assert signature(capsys, good, "--shared-key-env", "SHARED_KEY")[0] == 0
    code, found = signature(capsys, good, "--shared-key-file", "key.txt", "--portal", "jogos")
    assert (code, found["ok"], found["cause"]) == (0, True, None)


@pytest.mark.parametrize(
    ("made", "cause"),
    [
        (sha1(KEY.encode(), BODY), "key-first"),
        (hmac.new(KEY.encode(), BODY, "sha1").hexdigest(), "hmac-sha1"),
        (sha1(json.dumps(json.loads(BODY)).encode(), KEY.encode()), "reserialised-spaced"),
        (sha1(BODY, KEY.encode(), b"\n"), "key-trailing-newline"),
        (sha1(BODY, OTHER_KEY.encode()), "key-of-another-game"),
        (sha1(b"never seen"), None),
        ("", "signature-missing"),
    ],
)
def test_a_wrong_signature_exits_1_and_is_explained(capsys, made, cause):
    """jogos:iap.sha1"""
    code, found = signature(capsys, made, "--other-key-env", "OTHER_KEY")

    assert (code, found["cause"]) == (1, cause)
    assert found["says"]
    assert found["remedy"]


def token(capsys, text, *argv):
    return run(capsys, "token", "--at", str(NOW_S), *argv, "--", text)


def test_a_good_token_exits_0(capsys):
    """With the portal's document, and with a PEM file as openssl writes it: odd, but readable."""
    good = sign(claims())

    code, found = token(capsys, good, "--public-key", "publicKey.json", "--game-id", "1220")
    assert (code, found["ok"], found["cause"]) == (0, True, None)
    code, found = token(capsys, good, "--public-key", "key.pem", "--portal", "jogos")
    assert (code, found["ok"], found["cause"]) == (0, True, "public-key-wrapped")


STRANGER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.mark.parametrize(
    ("text", "argv", "cause"),
    [
        (sign(claims(exp=NOW_S - 600, iat=NOW_S - 700)), (), "expired"),
        (sign(claims(iat=(NOW_S - 60) * 1000)), (), "time-in-ms"),
        (sign(claims(sub=json.loads(claims()["sub"]))), (), "sub-object"),
        (sign(claims()), ("--game-id", "1221"), "game-other"),
        (sign(claims()), ("--user-id", "undefined"), "sub-not-parsed"),
        (sign(claims()), ("--audience", "me"), "audience-assumed"),
        (f"Bearer {sign(claims())}", (), "token-scheme-word"),
        (sign(claims(), key=STRANGER), (), None),
        ("rubbish", (), "token-not-jwt"),
    ],
)
def test_a_wrong_token_exits_1_and_is_explained(capsys, text, argv, cause):
    """jogos:user.3, jogos:user.4"""
    code, found = token(capsys, text, "--public-key", "publicKey.json", *argv)

    assert (code, found["cause"]) == (1, cause)


def test_without_a_key_the_signature_stays_open(capsys):
    """A key that is none of the published test keys: nothing is taken for good."""
    code, found = token(capsys, sign(claims(), key=STRANGER), "--portal", "jogos")

    assert (code, found["ok"], found["cause"]) == (1, False, None)


def test_a_sandbox_token_is_recognised_without_a_key(capsys):
    """The tests' key is one of the sandbox's published ones."""
    assert token(capsys, sign(claims()))[1]["cause"] == "key-of-a-sandbox"


def test_body_and_token_come_from_stdin(capsys, monkeypatch):
    """'-', for what a shell would break."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(BODY)))
    found = run(capsys, "signature", "--body", "-", "--signature", sha1(BODY, KEY.encode()))[1]
    assert found["ok"] is True

    monkeypatch.setattr(sys, "stdin", io.StringIO(sign(claims())))
    assert token(capsys, "-", "--public-key", "publicKey.json")[1]["ok"] is True


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (["signature", "--signature", "x"], "--body"),
        (["signature", "--body", "body.json"], "--signature"),
        (["signature", "--body", "none.json", "--signature", "x"], "none.json cannot be read"),
        (
            ["signature", "--body", "body.json", "--signature", "x", "--shared-key-env", "NOT_SET"],
            "put the shared key into the environment variable NOT_SET",
        ),
        (
            ["signature", "--body", "body.json", "--signature", "x", "--shared-key-file", "empty"],
            "empty cannot be read",
        ),
        (
            ["signature", "--body", "body.json", "--signature", "x", "--portal", "jogo"],
            "did you mean 'jogos'?",
        ),
        (["signature", "--body", "body.json", "--signature", "x", "--portal", "playgama"], "unknown portal"),
        (["token", "--public-key", "none.pem", "x"], "none.pem cannot be read"),
        (["token", "--portal", "x", "y"], "unknown portal 'x'"),
        (["token"], "TOKEN"),
    ],
)
def test_a_mistake_on_the_command_line_exits_2_in_one_line(capsys, argv, says):
    """What happened and what to do next."""
    assert main(["diagnose", *argv]) == 2
    text = capsys.readouterr().err
    assert says in text
    assert len(text.strip().splitlines()) == 1


def test_a_private_key_that_is_given_is_not_printed(capsys, tmp_path):
    """It is named as what it is, and read all the same."""
    from coinslot_testkit.tokens import VECTORS

    pem = (VECTORS / "signing-key.pem").read_text()
    (tmp_path / "private.pem").write_text(pem, encoding="utf-8")
    code, found = token(capsys, sign(claims()), "--public-key", "private.pem")

    assert (code, found["cause"]) == (1, "public-key-private")
    assert pem.splitlines()[1] not in json.dumps(found)


def test_the_command_needs_no_framework():
    """Offline and quick: neither Flask nor SQLAlchemy nor the verifier is imported."""
    script = (
        "import sys; from coinslot_scenarios.cli import main; "
        "main(['diagnose', 'token', '--at', '1', 'x']); "
        "main(['diagnose', 'signature', '--body', 'body.json', '--signature', 'x']); "
        "print([n for n in ('flask', 'sqlalchemy', 'coinslot_verifier', 'urllib3') if n in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


def test_the_signature_may_be_base64(capsys):
    """An argument that ends in '='."""
    made = base64.b64encode(hashlib.sha1(BODY + KEY.encode()).digest()).decode()

    assert signature(capsys, made)[1]["cause"] == "base64"
