"""The Node and the Java backend die and live again; and how they start and stop."""

import os
import signal
from dataclasses import replace

import pytest
from coinslot_contracts.wire import WireReply
from coinslot_testkit.copied_backends import COPIED, at_once, refused_start, start_copied
from coinslot_testkit.demonstrations import compact, notification, refund
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.fake_seller import FakeSeller
from coinslot_testkit.purchase_demonstrations import Stage, buyer, token_of

pytestmark = pytest.mark.parametrize("name", COPIED)


@pytest.fixture(scope="module")
def portal():
    with serve(FakePortal()) as running:
        yield running


def test_notifications_that_were_answered_survive_a_kill(name, portal, tmp_path):
    """jogos:iap.1, jogos:iap.2, jogos:iap.4: granted once, reported later, refunds remembered."""
    journal = tmp_path / "journal.jsonl"
    before, early, late = (f"{order}-{name}" for order in ("before-kill", "early-refund", "after-kill"))
    for order_id in (before, late):
        portal.add_order(order_id, user_id="500")
    portal.lies["arrivedorder"] = lambda: WireReply(status=503)
    with start_copied(name, portal, JOURNAL_FILE=str(journal)) as first:
        assert first.notify(compact(notification(before, "500"))).json["code"] == "200"
        assert first.notify(refund(early, "500")).json["code"] == "200"
        first.process.kill()
        first.process.wait(10)
    portal.lies.clear()
    with journal.open("ab") as torn:
        torn.write(b'{"type":"grant","portal":"jogos","orderId":"half')

    with start_copied(name, portal, JOURNAL_FILE=str(journal)) as second:
        portal.wait_for(lambda: portal.orders[before].arrived_status == 1)
        for order_id in (before, early, late):
            assert second.notify(compact(notification(order_id, "500"))).json["code"] == "200"
        assert second.items("500") == {"1002": 2}

    with start_copied(name, portal, JOURNAL_FILE=str(journal)) as third:
        assert third.items("500") == {"1002": 2}


def test_sessions_intents_and_grants_survive_a_kill(name, portal, tmp_path):
    """playgama:practice: a purchase that was opened can be shown after the server came back."""
    journal = str(tmp_path / "journal.jsonl")
    with serve(FakeSeller()) as seller:
        where = {"PLAYGAMA_URL": seller.url, "JOURNAL_FILE": journal}
        with start_copied(name, portal, **where) as first:
            player = buyer(Stage(seller=seller, backend=first), "502")
            tokens = [token_of(f"kept{n}", player.pay(f"kept{n}")) for n in (1, 2)]
            assert player.show(tokens[0]).status == 200
            first.process.kill()
            first.process.wait(10)
        with start_copied(name, portal, **where) as second:
            player = replace(player, stage=Stage(seller=seller, backend=second))

            assert [player.show(token).status for token in tokens] == [200, 200]
            assert player.items() == {"gems_100": 2}


def test_notifications_of_many_orders_at_once_are_all_granted(name, portal, tmp_path):
    """jogos:iap.1: a burst loses nothing and repeats nothing."""
    numbers = iter(range(64))

    def act():
        return backend.notify(compact(notification(f"burst-{name}-{next(numbers)}", "501")))

    with start_copied(name, portal) as backend:
        answers = at_once(64, act)

        assert {answer.json["code"] for answer in answers} == {"200"}
        assert backend.items("501") == {"1002": 64}


SETTINGS = [
    ({"JOGOS_GAME_ID": ""}, "JOGOS_GAME_ID is not set"),
    ({"JOGOS_GAME_ID": "12x"}, "JOGOS_GAME_ID is not "),
    ({"JOGOS_WEB_URL": "nowhere"}, "JOGOS_WEB_URL is no http or https address"),
    ({"JOURNAL_FILE": os.path.join("no", "such", "folder", "journal")}, ""),  # noqa: PTH118 - text for a variable
]


@pytest.mark.parametrize(("more", "says"), SETTINGS)
def test_a_bad_setting_is_one_line_and_exit_code_2(name, portal, more, says):
    """Errors for people: what happened and what to do, never a traceback."""
    done = refused_start(name, portal, **more)

    assert done.returncode == 2
    assert done.stderr.startswith(f"cannot start: {says}")
    assert done.stderr.count("\n") == 1


def test_a_busy_port_is_one_line_and_exit_code_2(name, portal):
    """As above."""
    busy = portal.url.rpartition(":")[2]

    done = refused_start(name, portal, PORT=busy)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert done.stderr.startswith(f"cannot start: cannot listen on port {busy}")


@pytest.mark.skipif(os.name == "nt", reason="SIGTERM ends a process at once on Windows")
def test_nothing_is_left_behind_after_sigterm(name, portal, tmp_path):
    """A run without JOURNAL_FILE leaves no file."""
    more = {"TMPDIR": str(tmp_path), "JAVA_TOOL_OPTIONS": f"-Djava.io.tmpdir={tmp_path}"}
    with start_copied(name, portal, **more) as backend:
        assert list(tmp_path.rglob("journal.jsonl"))

        backend.process.send_signal(signal.SIGTERM)
        backend.process.wait(10)

        left = [path for path in tmp_path.iterdir() if not path.name.startswith("hsperfdata")]
        assert left == []


def test_without_playgamas_address_its_routes_do_not_exist(name, portal):
    """playgama:2: a game that is not there has no purchases; the other portal works."""
    with start_copied(name, portal) as backend:
        assert backend.ask("POST", "/playgama/purchase", b"{}").status == 404
        assert backend.sync().status == 200
