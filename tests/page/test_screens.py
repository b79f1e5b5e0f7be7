"""What the screens show and what their buttons do, as a browser without scripts sees it."""

import base64
import hashlib
import subprocess
import sys

import pytest
from coinslot_sandbox.control.routes import find_route
from coinslot_testkit.page_client import commands, payloads
from coinslot_testkit.recording_backend import Says

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'"
SCREENS = ("", "orders", "deliveries", "connect", "faults", "clock")


def _story(shop, backend):
    """One order that was paid, refused by the backend and refunded; the answer of its making."""
    backend.answer_with(Says(status=500, body=EVIL.encode()))
    made = shop.order(player=shop.player(username=EVIL), paid=True)
    shop.await_delivery(made["delivery"]["delivery_id"], "failed")
    return made


@pytest.mark.parametrize("path", SCREENS)
def test_an_empty_sandbox_has_every_screen(visitor, path):
    """Empty states teach what to do first."""
    page = visitor.see(f"/w/default/{path}")

    assert page.count("<h1") == 1
    assert "SANDBOX" in page
    assert "not Jogos, not Playgama" in page


@pytest.mark.parametrize(
    "path",
    ["nothing", "orders/nothing", "deliveries/nothing", "connect/x", "orders/o1/timeline", "deliveries/d/x"],
)
def test_what_is_not_there_is_a_page_of_its_own(visitor, shop, path):
    """404 in words; what follows an id with a slash is no part of it."""
    shop.order(order_id="o1", paid=True, callback="lost")
    reply = visitor.ask("GET", f"/w/default/{path}")

    assert reply.status == 404
    assert b"To the start page" in reply.body


def test_an_unknown_workspace_is_named(visitor):
    """The API's own words."""
    reply = visitor.ask("GET", "/w/nowhere/")

    assert reply.status == 404
    assert b"no workspace nowhere" in reply.body


def test_text_of_players_products_and_backends_stays_text(visitor, shop, backend):
    """Whatever is in it: a browser must find no element in it."""
    made = _story(shop, backend)
    shop.done("POST", "/products", {"product_id": "<b>", "title": EVIL})
    shop.done(
        "POST", "/faults", {"at": "jogos.getOrders", "order": EVIL, "with": {"answer": 503, "body": EVIL}}
    )
    order, delivery = made["order"]["order_id"], made["delivery"]["delivery_id"]
    pages = [visitor.see(f"/w/default/{path}") for path in SCREENS]
    pages += [visitor.see(f"/w/default/orders/{order}"), visitor.see(f"/w/default/deliveries/{delivery}")]

    for page in pages:
        assert "<script>alert" not in page
        assert "<img" not in page
    assert sum("&lt;script&gt;alert(1)" in page for page in pages) >= 4


def test_a_strange_order_id_leads_to_its_order(visitor, shop):
    """Ids of one's own are encoded in links and in commands."""
    order_id = "a\"'<b>$(x)&;{order}"
    shop.order(order_id=order_id)

    page = visitor.see("/w/default/")
    link = page.split('role="cell" class="id"><a href="')[1].split('"')[0]

    assert "&lt;b&gt;" in visitor.see(link)
    assert "$(x)" not in "".join(command.split(" -d ")[0] for command in commands(page))


def test_every_button_is_a_call_of_the_control_api(visitor, shop, backend):
    """The page needs nothing that the API lacks."""
    made = _story(shop, backend)
    shop.order()
    shop.order(portal="playgama", paid=True)
    shop.done("POST", "/faults", {"at": "jogos.getOrders", "with": {"answer": 503}})
    paths = [*SCREENS, "?portal=playgama", f"deliveries/{made['delivery']['delivery_id']}"]
    steps = [
        step for path in paths for button in payloads(visitor.see(f"/w/default/{path}")) for step in button
    ]

    assert len(steps) > 100
    assert [step for step in steps if find_route(step[0], step[1]) is None] == []


def test_each_action_of_an_order_shows_its_command(visitor, shop):
    """As many commands as buttons."""
    shop.order(paid=True, callback="manual")
    page = visitor.see("/w/default/orders")

    assert len(commands(page)) == len(payloads(page.split('id="main"')[1])) > 15


@pytest.mark.parametrize("path", ["faults", "clock"])
def test_every_button_of_a_screen_is_accepted(visitor, path):
    """Faults and clocks in turn: what is offered can be done."""
    for steps in payloads(visitor.see(f"/w/default/{path}").split('id="main"')[1]):
        if steps[0][2] != {"next": True}:  # blocked while nothing is waiting
            assert 'class="told good"' in visitor.click(steps), steps


def test_a_waiting_delivery_is_resent_rebuilt_held_released_and_cancelled(visitor, shop, backend):
    """Each button of its screen in turn; the backend sees what was sent."""
    shop.set_game(retry=[1000])
    backend.answer_with(Says(status=500))
    made = shop.order(paid=True)
    name = made["delivery"]["delivery_id"]
    shop.await_delivery(name, "pending", attempts=1)
    place = f"/w/default/deliveries/{name}"
    labels = ("Resend exact", "Resend rebuilt", "Hold the order&#39;s", "Release", "Cancel")
    for label in labels:
        page = visitor.see(place)
        before = page.split(f'name="label" value="{label}"')[0]
        told = visitor.click(payloads(before)[-1], back=place)
        assert 'class="told good"' in told, label

    first, exact, rebuilt, *_ = backend.wait_for(3)
    assert first.body == exact.body
    assert first.json["orderId"] == rebuilt.json["orderId"]
    assert shop.done("GET", f"/deliveries/{name}")["state"] == "cancelled"


@pytest.mark.tool("curl")
def test_a_command_does_what_its_button_does(visitor, shop, backend):
    """Copied into a shell, with the token in the environment."""
    shop.order()
    buy = next(text for text in commands(visitor.see("/w/default/")) if '"paid": true' in text)
    fail = next(text for text in commands(visitor.see("/w/default/")) if "$ORDER" in text)
    environment = {"COINSLOT_CONTROL_TOKEN": shop.ready["control_token"], "PATH": "/usr/bin:/bin"}

    for command in (buy, fail.replace("python3", sys.executable)):
        subprocess.run(["sh", "-ec", command], env=environment, check=True, capture_output=True, timeout=30)

    states = [order["state"] for order in shop.done("GET", "/orders")["orders"]]
    assert states == ["created", "paid", "failed"]
    backend.wait_for(1)


def test_a_click_without_scripts_works_too(visitor, shop, backend):
    """A form, a redirect, a page that tells what came of it."""
    player, product = shop.player(username="alice"), shop.product()
    wish = {"player": player, "product": product, "paid": True}

    page = visitor.click([["POST", "/orders", wish]])

    backend.wait_for(1)
    assert "Clicked: done" in page
    assert "POST /orders → 201" in page
    assert "told" not in page.split('hx-get="')[2].split('"')[0]


def test_a_refused_click_says_why_and_what_to_do(visitor, client):
    """The problem's own words; nothing after the refused step is done."""
    player, product = client.player(username="alice"), client.product()
    wish = {"player": player, "product": product}

    page = visitor.click([["POST", "/orders", {**wish, "paid": True}], ["POST", "/players", {}]])

    assert "callback URL" in page
    assert "POST /orders → 409" in page
    assert len(client.done("GET", "/players")["players"]) == 1


@pytest.mark.parametrize(
    "do",
    [
        "",
        "[]",
        "{}",
        '[["GET","/players",null]]',
        '[["POST","players",{}]]',
        "[[1]]",
        "[" * 100_000,
        '[["POST","/players",[1]]]',
        '[["POST","/players/\\ud800",{}]]',
    ],
    ids=range(9),
)
def test_a_click_that_is_none_is_said_to_be_none(visitor, do):
    """No traceback, whatever a form carries."""
    form = {"do": do, "back": "/w/default/", "text.username": "typed"}
    reply = visitor.ask("POST", "/w/default/click", form=form)

    assert "cannot be understood" in visitor.see(reply.headers["Location"])


def test_a_form_adds_what_was_typed(visitor, client):
    """Numbers as numbers; what was left empty is left out."""
    fields = {"text.title": "Sword", "text.product_id": "", "number.price": "499"}
    visitor.click([["POST", "/products", {}]], **fields)

    (product,) = client.done("GET", "/products")["products"]
    assert (product["title"], product["price"]) == ("Sword", 499)


def test_a_form_may_be_all_that_a_call_says(visitor, client):
    """A step without a body takes what was typed for its body."""
    visitor.click([["POST", "/players", None]], **{"text.username": "Ada"})

    assert [player["username"] for player in client.done("GET", "/players")["players"]] == ["Ada"]


def test_the_ticks_follow_a_backend(visitor, shop, backend):
    """A key fetched, a callback answered, an order reported."""
    done = [visitor.see("/w/default/connect").count('class="done"')]
    shop.send("GET", f"{shop.ready['jogos']['web_url']}/publicKey.json")
    done.append(visitor.see("/w/default/connect").count('class="done"'))
    made = shop.order(paid=True)
    shop.await_delivery(made["delivery"]["delivery_id"], "delivered")
    done.append(visitor.see("/w/default/connect").count('class="done"'))
    shop.arrived(made["order"]["order_id"])
    done.append(visitor.see("/w/default/connect").count('class="done"'))

    assert done == [0, 1, 2, 3]


def test_the_environment_block_is_the_apis(visitor, client):
    """In each form."""
    page = visitor.see("/w/default/connect")

    assert f"JOGOS_GAME_ID={client.game_id}" in page
    assert f"JOGOS_SHARED_KEY={client.shared_key}" in page
    assert "&#34;JOGOS_GAME_ID&#34;" in visitor.see("/w/default/connect?format=json")


def test_a_delivery_shows_bytes_signature_and_masks_the_key(visitor, shop, backend):
    """Request, reply, raw bytes, string to sign; the secret never."""
    made = _story(shop, backend)
    delivery = shop.done("GET", f"/deliveries/{made['delivery']['delivery_id']}")

    page = visitor.see(f"/w/default/deliveries/{delivery['delivery_id']}")

    assert delivery["signature_header"] in page
    assert "7b 22 70 61 79 74 79 70 65 22" in page
    assert "HTTP 500" in page
    assert "•••" in page
    assert shop.shared_key not in page


def test_a_signature_that_a_backend_computed_is_diagnosed(visitor, shop):
    """What stands in the field is compared with what was sent, and the mistake is named."""
    made = shop.order(paid=True, callback="lost")
    delivery = shop.done("GET", f"/deliveries/{made['delivery']['delivery_id']}")
    place = f"/w/default/deliveries/{delivery['delivery_id']}"
    steps = next(steps for steps in payloads(visitor.see(place)) if steps[0][1] == "/diagnose/signature")
    body = base64.b64decode(delivery["body_b64"])
    key_first = hashlib.sha1(shop.shared_key.encode() + body).hexdigest()

    wrong = visitor.click(steps, back=place, **{"text.signature": key_first})
    right = visitor.click(steps, back=place, **{"text.signature": ""})

    assert "key-first" in wrong
    assert 'class="told bad"' in wrong
    assert 'class="told good"' in right
    assert "key-first" not in right


def test_the_timeline_has_the_lanes_in_order(visitor, shop, backend):
    """Client, portal, backend; red where somebody refused."""
    made = _story(shop, backend)
    page = visitor.see(f"/w/default/orders/{made['order']['order_id']}")
    events = [text.split('"')[0].split() for text in page.split('<li class="event ')[1:]]

    lanes = [event[0] for event in events]
    assert lanes.index("client") < lanes.index("portal") < lanes.index("backend")
    assert [event[0] for event in events if "bad" in event] == ["backend"]


def test_another_workspace_has_its_own_page(visitor, client):
    """Made on the page, shown on the page, apart from the default one."""
    client.player(username="only-in-default")
    page = visitor.click([["POST", "/workspaces", {"name": "qa-2"}]])

    assert "only-in-default" not in page
    assert 'action="/w/qa-2/click"' in page
    assert "/_control/v1/w/qa-2/players" in page
    assert 'href="/w/qa-2/"' in visitor.see("/w/default/")


def test_orders_and_deliveries_can_be_listed_newest_first(shop):
    """What the page shows first; `after` goes on from there."""
    ids = [shop.order_id(paid=True) for _ in range(3)]

    newest = shop.done("GET", "/orders?sort=newest&limit=2")["orders"]
    older = shop.done("GET", f"/orders?sort=newest&after={newest[-1]['order_id']}")["orders"]
    deliveries = shop.done("GET", "/deliveries?sort=newest")["deliveries"]

    assert [order["order_id"] for order in (*newest, *older)] == ids[::-1]
    assert [delivery["order_id"] for delivery in deliveries] == ids[::-1]
    assert shop.refused("GET", "/orders?sort=sideways") == (400, "field-invalid")


def test_nothing_of_the_page_is_loaded_before_somebody_asks():
    """A sandbox that nobody looks at starts as fast as one without a page."""
    script = (
        "import sys\n"
        "from coinslot_sandbox import Sandbox, SandboxSettings\n"
        "with Sandbox(SandboxSettings(port=0, control_port=0)):\n"
        "    print([n for n in sys.modules if n.startswith('coinslot_sandbox.page.')])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )

    assert told.stdout.strip() in ("[]", "['coinslot_sandbox.page.front']")
