"""Where the sidecar takes keys from: asked for at every login, or kept where the team chose so."""

import time

import pytest
from coinslot_testkit.fake_portal import FakePortal, serve
from coinslot_testkit.sidecar_process import start_sidecar
from coinslot_testkit.tokens import good_claims, make_token


@pytest.mark.parametrize(("chosen", "fetched"), [("always", 3), ("cached", 1)])
def test_the_chosen_key_source_is_asked(chosen, fetched):
    """COINSLOT_KEY_SOURCE: three logins cost three questions, or one."""
    with serve(FakePortal()) as portal:
        options = ("--portal", "jogos", "--processes", "1")
        with start_sidecar({"jogos": portal.url}, *options, COINSLOT_KEY_SOURCE=chosen) as sidecar:
            before = len(portal.calls("publicKey"))
            answers = [
                sidecar.ask("POST", "/v1/jogos/identity", {"token": _token(number)}) for number in (1, 2, 3)
            ]

            assert [answer.status for answer in answers] == [200, 200, 200]
            assert len(portal.calls("publicKey")) - before == fetched


def _token(number):
    return make_token(good_claims(now_s=int(time.time()), user_id=str(number)))
