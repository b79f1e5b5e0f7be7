"""The README's library code, run as it stands."""

import re
import time
from pathlib import Path

import pytest
from coinslot_contracts.portals.jogos.signing import signature
from coinslot_testkit.demonstrations import compact, notification
from coinslot_testkit.fake_portal import SHARED_KEY, FakePortal, serve
from coinslot_testkit.tokens import GAME_ID, good_claims, make_token

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
SECTION = README.split("\n## Verify in production\n")[1].split("\n## ")[0]
BODY = compact(notification("order-of-the-readme", "278"))


@pytest.mark.parametrize(
    ("token", "said"),
    [
        (make_token(good_claims(now_s=int(time.time()))), ""),
        ("forged", "401 token-malformed"),
        (make_token({**good_claims(now_s=int(time.time()) - 7200), "exp": 2**40}), "401 token-too-old"),
        (None, "503 key-source-unavailable"),
    ],
    ids=["good", "forged", "old", "outage"],
)
def test_the_library_code_does_what_its_comments_say(token, said, monkeypatch, capsys):
    """jogos:user.3, jogos:iap.1.auth: a user, a refusal with its remedy, an outage; then a notification."""
    (code,) = re.findall(r"```python\n(.*?)```", SECTION, re.DOTALL)
    names = {
        "token": token or make_token(),
        "request_headers": {"Authorization": signature(BODY, SHARED_KEY)},
        "raw_body": BODY,
    }
    with serve(FakePortal()) as portal:
        url = portal.url if token else f"{portal.url}/nowhere"
        block = {"WEB_URL": url, "API_URL": url, "GAME_ID": GAME_ID, "SHARED_KEY": SHARED_KEY.decode()}
        for name, value in block.items():
            monkeypatch.setenv(f"JOGOS_{name}", value)
        monkeypatch.setenv("COINSLOT_ALLOW_TEST_KEYS", "1")
        exec(compile(code, "README.md", "exec"), names)  # the README's own words

    assert capsys.readouterr().out.startswith(said)
    assert ("identity" in names) == (said == "")
    assert names["notification"].order_id == "order-of-the-readme"
