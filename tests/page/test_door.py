"""Who may see the page, and whose clicks count."""

import json
import re

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings
from coinslot_testkit.page_client import PageClient
from coinslot_testkit.sandbox_client import SandboxClient

MAKE_PLAYER = {"do": json.dumps([["POST", "/players", {}]]), "label": "x", "back": "/w/default/"}


def _players(client):
    return client.done("GET", "/players")["players"]


def test_the_printed_address_signs_in_and_drops_the_token_from_the_address(client):
    """GET /?token= sets a session that no script can read and no other site can send."""
    page = PageClient(client)

    reply = page.sign_in()

    assert (reply.status, reply.headers["Location"]) == (303, "/")
    cookie = reply.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert client.ready["control_token"] not in cookie
    assert page.ask("GET", "/").headers["Location"] == "/w/default/"
    assert "Newest orders" in page.see("/w/default/")


@pytest.mark.parametrize(
    "path", ["/", "/w/default/", "/w/default/orders", "/w/default/live", "/?token=wrong"]
)
def test_without_a_session_there_is_a_form_and_nothing_else(client, path):
    """401; nobody learns what is there."""
    reply = PageClient(client).ask("GET", path)

    assert reply.status == 401
    assert b'name="token"' in reply.body
    assert b"Newest orders" not in reply.body


def test_the_form_signs_in_and_leads_back(client):
    """A token that is typed is as good as the address."""
    page = PageClient(client)
    form = {"token": f" {client.ready['control_token']} ", "back": "/w/default/orders?before=x&told=1"}

    reply = page.ask("POST", "/page/sign-in", form=form)

    assert (reply.status, reply.headers["Location"]) == (303, "/w/default/orders?before=x")
    page.cookie = reply.headers["Set-Cookie"].split(";")[0]
    assert page.ask("GET", "/w/default/").status == 200


def test_a_wrong_token_in_the_form_signs_nobody_in(client):
    """The form again, and it says why."""
    reply = PageClient(client).ask("POST", "/page/sign-in", form={"token": "wrong", "back": "/"})

    assert reply.status == 401
    assert b"not the token" in reply.body
    assert "Set-Cookie" not in reply.headers


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example", "/w/x\r\ny"])
def test_signing_in_leads_to_no_other_site(client, back):
    """`back` is a page of ours, or the start page."""
    form = {"token": client.ready["control_token"], "back": back}

    assert PageClient(client).ask("POST", "/page/sign-in", form=form).headers["Location"] == "/"


def test_a_click_of_ours_counts(visitor, client):
    """The twin of the refusals below."""
    assert visitor.ask("POST", "/w/default/click", form=MAKE_PLAYER).status == 303
    assert len(_players(client)) == 1


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "none"},
        {"Host": "evil.example"},
    ],
)
def test_a_click_from_elsewhere_is_refused(visitor, client, headers):
    """Even where a browser sent the session with it."""
    reply = visitor.ask("POST", "/w/default/click", form=MAKE_PLAYER, **headers)

    assert reply.status == 403
    assert _players(client) == []


def test_a_click_that_does_not_say_where_it_comes_from_is_refused(visitor, client):
    """Browsers always say so."""
    headers = {"Cookie": visitor.cookie, "Content-Type": "application/x-www-form-urlencoded"}
    reply = client.send("POST", f"{visitor.base_url}/w/default/click", headers=headers, body="do=%5B%5D")

    assert reply.status == 403


def test_a_click_without_a_session_is_refused(client):
    """The token must have been shown."""
    assert PageClient(client).ask("POST", "/w/default/click", form=MAKE_PLAYER).status == 401
    assert _players(client) == []


def test_a_session_opens_no_control_api(visitor):
    """A cookie is no bearer token: a page of another port on this host gains nothing by it."""
    assert visitor.ask("GET", "/_control/v1/players").status == 401


def test_the_session_of_another_sandbox_opens_nothing(visitor):
    """It is derived from the token."""
    with Sandbox(SandboxSettings(port=0, control_port=0, control_token="another")) as running:
        other = SandboxClient(running.ready)
        value = visitor.cookie.partition("=")[2]
        port = running.ready["control_url"].rpartition(":")[2]
        reply = PageClient(other, cookie=f"coinslot_session_{port}={value}").ask("GET", "/w/default/")
        other.pool.clear()

    assert reply.status == 401


def test_every_answer_forbids_foreign_and_inline_code(visitor):
    """And nothing in a page needs it: no inline script, style or handler."""
    for path in ("/w/default/", "/w/default/connect", "/page/page.js", "/w/default/nothing"):
        policy = visitor.ask("GET", path).headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'self';"), path
        assert "unsafe" not in policy

    page = visitor.see("/w/default/")
    assert re.findall(r"<script(?![^>]*\ssrc=)", page) == []
    assert re.findall(r"\s(?:style|on[a-z]+)=", page) == []


def test_the_token_is_in_no_page(visitor, client):
    """Commands name the variable instead."""
    for path in ("", "orders", "deliveries", "connect", "faults", "clock"):
        page = visitor.see(f"/w/default/{path}")
        assert client.ready["control_token"] not in page
    assert "$COINSLOT_CONTROL_TOKEN" in page


def test_what_is_no_page_is_still_the_control_apis(client):
    """The page takes its own addresses and no other."""
    assert PageClient(client).ask("GET", "/_ready").status == 200
    assert PageClient(client).ask("GET", "/nothing").json["code"] == "token-wrong"


@pytest.mark.parametrize(
    "name", ["page.css", "page.js", "htmx.min.js", "hx-sse.min.js", "icon.svg", "LICENSES.txt"]
)
def test_files_of_the_page_are_served_by_the_sandbox_itself(client, name):
    """It works offline."""
    reply = PageClient(client).ask("GET", f"/page/{name}")

    assert reply.status == 200
    assert len(reply.body) > 100


@pytest.mark.parametrize("name", ["../app.py", "..%2fapp.py", "nothing.js"])
def test_no_other_file_is(client, name):
    """Neither our code nor anything else."""
    assert PageClient(client).ask("GET", f"/page/{name}").status in (400, 401, 404)
