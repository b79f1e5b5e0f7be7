"""The seeded bug of the Node backend: every player becomes one, and no error is seen anywhere."""

import time

import pytest
from coinslot_testkit.copied_backends import refused_start, start_copied
from coinslot_testkit.demonstrations import DEMONSTRATIONS, Stage
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.tokens import good_claims, make_token

pytestmark = pytest.mark.tool("node-backend")


@pytest.fixture(scope="module")
def stage():
    with (
        serve(FakePortal()) as portal,
        start_copied("node", portal, COINSLOT_BUG="payload-taken-for-user") as backend,
    ):
        yield Stage(portal=portal, backend=backend, ledger=None)


def test_every_player_logs_in_as_the_same_user(stage):
    """jogos:user.4: a 2xx with an id and a session, the id the same for everybody."""
    answers = [
        stage.backend.log_in(make_token(good_claims(now_s=int(time.time()), user_id=user_id)))
        for user_id in ("257", "258")
    ]

    assert [answer.status for answer in answers] == [200, 200]
    assert {answer.json["user"]["id"] for answer in answers} == {"undefined"}


def test_it_breaks_what_it_says_and_what_only_the_user_would_have_told(stage):
    """jogos:user.4: without the user there is neither a game nor an empty user to refuse."""
    failed = {name for name, behaves in DEMONSTRATIONS.items() if name != "confirms" and not behaves(stage)}

    assert failed == {"two_players", "other_game", "unusable_user"}


def test_an_unknown_bug_is_one_line_and_exit_code_2(stage):
    """Errors for people."""
    done = refused_start("node", stage.portal, COINSLOT_BUG="no-such")

    assert done.returncode == 2
    assert done.stderr == (
        "cannot start: COINSLOT_BUG=no-such is unknown; known are: payload-taken-for-user\n"
    )
