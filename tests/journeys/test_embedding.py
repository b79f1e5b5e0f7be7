"""The sandbox inside a team's own tests: the fixtures, and `Sandbox()` as a context manager."""

import json
import textwrap
import urllib.request

import pytest
from coinslot_sandbox import ControlRefused, Sandbox
from coinslot_testkit.inner_pytest import run_inner_pytest

TESTS = textwrap.dedent(
    """
    import json, pathlib, urllib.request
    import pytest

    @pytest.mark.parametrize("number", range(2))
    def test_a_paid_order_is_listed(coinslot_workspace, number):
        workspace = coinslot_workspace
        player = workspace.call("POST", "/players", {})["user_id"]
        product = workspace.call("POST", "/products", {})["product_id"]
        wish = {"player": player, "product": product, "paid": True, "callback": "lost"}
        order = workspace.call("POST", "/orders", wish)["order"]
        assert len(workspace.call("GET", "/orders")["orders"]) == 1
        with urllib.request.urlopen(workspace.env["JOGOS_WEB_URL"] + "/publicKey.json") as reply:
            key = json.load(reply)["data"]
        line = json.dumps([workspace.name, order["order_id"], key, workspace.env["JOGOS_GAME_ID"]])
        (pathlib.Path("seen") / str(number)).write_text(line)
    """
)


def _run(tmp_path, *options):
    (tmp_path / "seen").mkdir(exist_ok=True)
    (tmp_path / "test_game.py").write_text(TESTS)
    done = run_inner_pytest("-q", *options, cwd=tmp_path, plugins=("coinslot", "xdist"))
    seen = [json.loads(path.read_text()) for path in sorted((tmp_path / "seen").iterdir())]
    return done, seen


def test_each_test_has_a_workspace_of_its_own_and_draws_the_same_ids_again(tmp_path):
    """Alone, and again side by side under xdist: one order in each, the same ids in every run."""
    alone, first = _run(tmp_path)
    together, second = _run(tmp_path, "-n", "2")

    assert (alone.returncode, together.returncode) == (0, 0), alone.stdout + together.stdout
    assert "2 passed" in alone.stdout
    assert "2 passed" in together.stdout
    assert first == second
    assert len({tuple(line[:2]) for line in first}) == 2


def test_a_sandbox_without_settings_runs_on_free_ports():
    """`with Sandbox() as sandbox:` is all that a program needs; two do not meet."""
    with Sandbox() as one, Sandbox() as two:
        assert one.ready["control_url"] != two.ready["control_url"]
        with one.workspace(name="game", seed=3) as workspace:
            with urllib.request.urlopen(workspace.portals["jogos"]["web_url"] + "/publicKey.json") as reply:
                assert json.load(reply)["data"].startswith("-----BEGIN PUBLIC KEY-----")
            with pytest.raises(ControlRefused) as refused:
                workspace.call("GET", "/orders/nobody")
            assert (refused.value.status, refused.value.code) == (404, "order-unknown")
        with pytest.raises(ControlRefused) as gone:
            workspace.call("GET", "/orders")
        assert gone.value.code == "workspace-unknown"
