"""What a game is set to: what acknowledges, which codes end the retries, when an answer is slow, retries."""

import itertools

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.recording_backend import Says


@pytest.fixture(scope="module")
def sandbox():
    """One sandbox for all: each test begins with a reset."""
    with Sandbox(SandboxSettings(port=0, control_port=0, seed=7)) as running:
        yield running


@pytest.fixture
def game(shop, backend):
    """The default game with a schedule that only advances by hand, and two retries."""
    shop.done("POST", "/reset")
    shop.set_game(callback_url=backend.url, retry=[10, 100])
    shop.done("POST", "/clock/freeze")
    return shop


def _advance(game):
    return game.done("POST", "/clock/advance", {"until_idle": True})["fired"]


def _paid(game):
    step = game.order(paid=True)
    return step["order"]["order_id"], step["delivery"]["delivery_id"]


def _detail(game, delivery_id):
    return game.done("GET", f"/deliveries/{delivery_id}")


@pytest.mark.parametrize(
    ("rule", "accepted"),
    [
        ("json_code_200", [True, False, False, False, False]),
        ("http_2xx", [True, True, True, False, False]),
        ("any", [True, True, True, False, True]),
    ],
)
def test_what_acknowledges_is_a_setting(game, backend, rule, accepted):
    """sandbox.md, ack_rule; a redirect is never followed and never acknowledges."""
    answers = (
        Says(),
        Says(body=b'{"code":"500"}'),
        Says(status=204, body=b""),
        Says(status=302, headers=(("Location", backend.url),)),
        Says(status=404, body=b"no"),
    )
    assert game.set_game(ack_rule=rule, retry="none")["ack_rule"] == rule
    judged = []
    for answer in answers:
        backend.answer_with(answer)
        _, delivery_id = _paid(game)
        _advance(game)
        judged.append(_detail(game, delivery_id)["attempts"][0]["ack"]["accepted"])

    assert judged == accepted
    assert len(backend.arrivals) == len(answers)


def test_a_terminal_code_ends_the_retries(game, backend):
    """sandbox.md, codes as terminal: failed at once, and still to be resent."""
    game.set_game(terminal_codes=["40001"])
    backend.answer_with(Says(body=b'{"code":"41007"}'), Says(body=b'{"code":40001}'), Says())
    _, delivery_id = _paid(game)

    assert len(_advance(game)) == 2

    assert _detail(game, delivery_id)["state"] == "failed"
    assert game.done("POST", f"/deliveries/{delivery_id}/resend")["state"] == "delivered"


def test_a_preset_is_the_schedule_of_its_seconds(game, backend):
    """sandbox.md: svix; after exhaustion the delivery has failed and can be resent."""
    game.set_game(retry="svix")
    backend.answer_with(Says(status=500))
    _, delivery_id = _paid(game)

    fired = _advance(game)

    at_s = [round(one["schedule_at_s"]) for one in fired]
    waits = [later - earlier for earlier, later in itertools.pairwise(at_s)]
    assert waits == [5, 300, 1800, 7200, 18_000, 36_000, 36_000]
    assert _detail(game, delivery_id)["state"] == "failed"


def test_a_slow_answer_is_noted(game, backend, monkeypatch):
    """sandbox.md: a warning above 3 s; here the limit is lowered, so that nobody waits for it."""
    monkeypatch.setattr("coinslot_sandbox.delivery.acks.SLOW_S", 0.0)
    _, slow = _paid(game)
    _advance(game)
    monkeypatch.setattr("coinslot_sandbox.delivery.acks.SLOW_S", 3.0)
    _, quick = _paid(game)
    _advance(game)

    noted = [_detail(game, one)["attempts"][0]["ack"] for one in (slow, quick)]
    assert [ack["accepted"] for ack in noted] == [True, True]
    assert "too slow" in noted[0]["note"]
    assert noted[1]["note"] is None


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"ack_rule": "maybe"}, (400, "field-invalid")),
        ({"terminal_codes": [305]}, (400, "field-invalid")),
        ({"terminal_codes": "305"}, (400, "field-invalid")),
        ({"retry": "swix"}, (400, "field-invalid")),
    ],
)
def test_a_setting_that_there_is_none_of_is_refused(game, change, refusal):
    """PUT /games."""
    assert game.refused("PUT", f"/games/{game.game_id}", change) == refusal
