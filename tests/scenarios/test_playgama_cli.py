"""`coinslot verify purchase` over what the sandbox mints, publishes and says."""

import json

import pytest
import requests
from coinslot_scenarios.cli import main
from coinslot_scenarios.client import ControlClient


@pytest.fixture
def sold(sandbox, tmp_path, monkeypatch):
    """A paid order: its purchase, the portal's address, the key set in jwks.json."""
    monkeypatch.chdir(tmp_path)
    ready = sandbox.ready
    client = ControlClient(control_url=ready["control_url"], token=ready["control_token"])
    player = client.create_player()["user_id"]
    client.ensure_product("gems_100")
    order = client.create_order(player=player, product="gems_100", portal="playgama", paid=True)["order"]
    url = ready["playgama"]["url"]
    (tmp_path / "jwks.json").write_bytes(requests.get(f"{url}/.well-known/jwks.json", timeout=5).content)
    yield client, order, url
    client.close()


def verify(capsys, *argv):
    code = main(["verify", "purchase", "--jwks", "jwks.json", "--allow-test-keys", *argv])
    return code, json.loads(capsys.readouterr().out)


def test_a_good_token_is_printed_as_one_json_object(sold, capsys):
    """0; the portal was not asked."""
    client, order, _ = sold
    token = client.mint_purchase(order["order_id"], None)["token"]

    code, printed = verify(capsys, token)

    assert (code, printed["order_id"], printed["confirmed"]) == (0, order["order_id"], False)


def test_the_portal_is_asked_where_its_address_is_given(sold, capsys):
    """0 and confirmed, then 1 once the purchase was charged back, 3 where nobody answers."""
    client, order, url = sold
    token = client.mint_purchase(order["order_id"], None)["token"]

    assert verify(capsys, token, "--url", url)[1]["confirmed"] is True
    client.change_order(order["order_id"], {"verify": "charged_back"})
    assert verify(capsys, token, "--url", url) == (
        1,
        {
            "error": "purchase-not-paid",
            "family": "refused",
            "detail": "the portal does not confirm this purchase as paid",
        },
    )
    assert verify(capsys, token, "--url", "http://127.0.0.1:9")[0] == 3


def test_a_forged_token_and_another_external_id_are_refused(sold, capsys):
    """1, with the code of the refusal."""
    client, order, _ = sold
    forged = client.mint_purchase(order["order_id"], {"hostile": "other-key"})["token"]
    good = client.mint_purchase(order["order_id"], None)["token"]

    assert (verify(capsys, forged)[0], verify(capsys, good, "--external-id", "x")[0]) == (1, 1)
    assert verify(capsys, good, "--external-id", order["external_id"])[0] == 0


def test_a_key_set_that_is_not_there_is_a_usage_error(sold, capsys):
    """2, one line."""
    assert main(["verify", "purchase", "--jwks", "nowhere.json", "x"]) == 2
    assert capsys.readouterr().err.strip().splitlines()[-1].startswith("error: nowhere.json cannot be read")
