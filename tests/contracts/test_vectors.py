"""The contracts' signature and token layout against vectors that Node, the JDK and openssl made."""

import base64
import json
from importlib.resources import files
from typing import Any

import pytest
from coinslot_contracts.domain import Player
from coinslot_contracts.json_bytes import dump_compact
from coinslot_contracts.portals.jogos import PORTAL
from coinslot_contracts.portals.jogos.identity import change_user, claims, header
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.tools import VECTORS, run

FOLDER = files("coinslot_contracts") / "portals/jogos/vectors"


def load(kind: str, tool: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((FOLDER / f"{kind}.{tool}.json").read_text("utf-8"))
    return document


def sign(vector: dict[str, str]) -> str:
    return signature(bytes.fromhex(vector["body_hex"]), bytes.fromhex(vector["shared_key_hex"]))


@pytest.mark.parametrize("tool", ["node", "jdk", "openssl"])
def test_our_signature_is_every_other_tools(tool):
    """jogos:iap.sha1: over non-ASCII bodies and keys, line breaks, no body at all."""
    vectors = load("signatures", tool)["vectors"]

    ours = {v["name"]: sign(v) for v in vectors}

    assert len(ours) >= 14
    assert ours == {vector["name"]: vector["signature"] for vector in vectors}


@pytest.mark.parametrize(
    ("body", "key", "digest"),
    [
        ('{"gameId":9968}', "kéy", "9bad196587494413af8dfc5ad54051ed421dcf68"),
        ('{"n":"中😀"}', "k", "2f6466574457f608b271741c504a1f133a1d8d7f"),
    ],
)
def test_two_signatures_are_known_by_heart(body, key, digest):
    """jogos:iap.sha1: body, then key, both as UTF-8."""
    assert signature(body.encode(), key.encode()) == digest


@pytest.mark.parametrize("kind", ["signatures", "tokens"])
def test_a_vector_file_names_its_tool_with_the_version(kind):
    """So that a reader can make it again."""
    assert load(kind, "node")["tool"].startswith("node v")
    assert load(kind, "jdk")["tool"].startswith("jdk ")


@pytest.mark.parametrize("tool", ["node", "jdk"])
def test_our_claims_are_byte_for_byte_those_of_another_tools_token(tool):
    """jogos:user.4: the order of the claims, the JSON text in sub, and no member in the header but alg."""
    token = {v["name"]: v["token"] for v in load("tokens", tool)["vectors"]}["good"]
    player = Player(user_id="257", username="Player257", picture_url="https://image.example/257.jpg")
    ours = claims(
        player=player,
        game_id="1220",
        issued_at_s=1_757_905_298,
        expires_at_s=1_757_908_898,
        token_id="1967423537615581184",
    )

    parts = [base64.urlsafe_b64decode(part + "==") for part in token.split(".")]

    assert parts[:2] == [dump_compact(header("any")), dump_compact(ours)]


def test_another_username_is_spelt_as_in_another_tools_token():
    """jogos:user.4: beyond ASCII as UTF-8, no escapes."""
    token = {v["name"]: v["token"] for v in load("tokens", "node")["vectors"]}["good-unicode-name"]
    payload = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
    assert PORTAL.identity is not None

    renamed = change_user(payload, {"username": "Zoë 中😀"})

    assert renamed == payload
    assert PORTAL.identity.parse(payload).username == "Zoë 中😀"


@pytest.mark.tool("openssl")
def test_openssl_still_makes_the_committed_signatures():
    """The script's own formula, run again on one vector."""
    vector = load("signatures", "openssl")["vectors"][1]
    raw = bytes.fromhex(vector["body_hex"] + vector["shared_key_hex"])

    assert run(["openssl", "dgst", "-sha1", "-r"], stdin=raw).split()[0] == vector["signature"]


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        pytest.param("node", ["node", "make_vectors.mjs"], marks=pytest.mark.tool("jsonwebtoken")),
        pytest.param("jdk", ["java", "MakeVectors.java"], marks=pytest.mark.tool("java")),
    ],
)
@pytest.mark.parametrize("kind", ["signatures", "tokens"])
def test_the_script_still_makes_the_committed_vectors(kind, tool, command, monkeypatch):
    """RS256 and SHA-1 are deterministic, so another version of the tool must give the same vectors."""
    monkeypatch.chdir(VECTORS)
    inputs = (VECTORS / f"{kind.removesuffix('s')}_inputs.tsv").read_bytes()

    made = json.loads(run([*command, kind], stdin=inputs))

    assert made["vectors"] == load(kind, tool)["vectors"]
