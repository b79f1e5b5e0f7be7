"""The page in a real browser: clicks, live updates, width, keyboard, and nothing from elsewhere."""

from urllib.parse import urlsplit

import pytest
from coinslot_testkit.recording_backend import Says

pytestmark = pytest.mark.tool("chromium")

EVIL = "<img src=x onerror=\"document.title='owned'\"><b>bold</b>"
SCREENS = ("", "orders", "deliveries?state=failed", "connect", "faults", "clock")


def _press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser.driver).send_keys(*keys).perform()


def _furnish(shop, backend):
    """A shop in which something of everything has happened; order and delivery to look at."""
    long = "W" * 60
    player = shop.player(username=long)
    shop.done("POST", "/products", {"product_id": "x" * 60, "title": f"{long} {long}"})
    shop.order(player=player)
    shop.order(player=player, portal="playgama", paid=True)
    shop.done("POST", "/faults", {"at": "jogos.getOrders", "with": {"answer": 503, "body": long * 3}})
    backend.answer_with(Says(status=500, body=long.encode() * 4, headers=(("X-Long", long * 3),)))
    made = shop.order(player=player, paid=True)
    shop.await_delivery(made["delivery"]["delivery_id"], "failed")
    return made["order"]["order_id"], made["delivery"]["delivery_id"]


def test_refunding_an_order_and_resending_its_callback_takes_three_clicks(browser, shop, backend):
    """From the start page: Refund, Refunded, Resend; the backend gets the same bytes and signature twice."""
    shop.order(paid=True)
    backend.wait_for(1)
    browser.open(f"{shop.ready['control_url']}/w/default/")

    browser.named("Refund").click()
    browser.named("Refunded").click()
    browser.named("Resend refund").click()

    _, refund, again = backend.wait_for(3)
    assert refund.json["paytype"] == again.json["paytype"] == "refund"
    assert refund.json["refundStatus"] == 1
    assert refund.body == again.body
    assert refund.header("Authorization") == again.header("Authorization")
    assert "Resend refund: the backend answered 200, accepted" in browser.until(
        lambda: (text := browser.text("#notice")).startswith("Resend") and text, "nothing was told"
    )


def test_buying_shows_the_order_without_a_reload(browser, shop, backend):
    """Shop to backend and back to the page."""
    shop.player(username="alice")
    shop.product()
    browser.open(f"{shop.ready['control_url']}/w/default/")
    browser.run("window.stayed = true")

    browser.named("Buy").click()

    backend.wait_for(1)
    browser.until(lambda: "1 ok" in browser.text(".orders"), "the order never showed as delivered")
    assert browser.run("return window.stayed") is True


def test_a_timeline_grows_while_it_is_looked_at(browser, shop, backend):
    """By server-sent events: what others do shows up by itself, well before the page would ask again."""
    order_id = shop.order_id()
    browser.open(f"{shop.ready['control_url']}/w/default/orders/{order_id}")
    browser.run("window.stayed = true")
    browser.find(".live.on")
    before = len(browser.all(".event"))

    shop.done("POST", f"/orders/{order_id}/pay")
    browser.until(lambda: len(browser.all(".event.backend")) == 1, "the attempt never showed")
    backend.answer_with(Says(status=503))
    shop.done("POST", f"/orders/{order_id}/refund", {"refundStatus": 1})
    browser.until(lambda: len(browser.all(".event.backend.bad")) == 1, "the refusal never showed")

    assert len(browser.all(".event")) > before
    assert browser.run("return window.stayed") is True


def test_the_next_attempt_is_counted_down(browser, shop, backend):
    """A moving figure, and it moves down."""
    shop.set_game(retry=[40])
    backend.answer_with(Says(status=500))
    made = shop.order(paid=True)
    shop.await_delivery(made["delivery"]["delivery_id"], "pending", attempts=1)
    browser.open(f"{shop.ready['control_url']}/w/default/orders/{made['order']['order_id']}")

    first = int(browser.find(".future .until").text.split()[1])
    browser.until(lambda: int(browser.find(".future .until").text.split()[1]) < first, "it stands still")

    assert 30 < first <= 40


def test_an_open_menu_and_a_half_filled_form_survive_a_live_update(browser, shop, backend):
    """What a person is doing is not taken from under their hands."""
    shop.order(paid=True)
    browser.open(f"{shop.ready['control_url']}/w/default/")
    browser.find(".live.on")
    browser.named("New player").click()
    browser.find("input[name='text.username']").send_keys("half")
    browser.named("Refund").click()
    rows = len(browser.all(".orders [data-order]"))

    shop.order(paid=True)
    browser.until(lambda: len(browser.all(".orders [data-order]")) == rows + 1, "no update came")

    assert browser.find("input[name='text.username']").get_attribute("value") == "half"
    assert len(browser.all("details.menu[open]")) == 1


def test_every_screen_is_quiet_and_asks_nobody_else(browser, shop, backend):
    """No error in the console, no request to another host: it works offline."""
    order_id, delivery_id = _furnish(shop, backend)
    browser.console()
    browser.hosts()
    for path in (*SCREENS, f"orders/{order_id}", f"deliveries/{delivery_id}"):
        browser.open(f"{shop.ready['control_url']}/w/default/{path}")
        browser.find(".live.on")

    assert browser.console() == []
    assert browser.hosts() == {urlsplit(shop.ready["control_url"]).netloc}


def test_nothing_is_wider_than_a_phone(browser, shop, backend):
    """At 390 px no screen scrolls sideways, with menus and commands open."""
    order_id, delivery_id = _furnish(shop, backend)
    browser.resize(390, 800)
    for path in (*SCREENS, f"orders/{order_id}", f"deliveries/{delivery_id}"):
        browser.open(f"{shop.ready['control_url']}/w/default/{path}")
        folded = browser.run("return document.querySelectorAll('details').length")
        for number in range(folded):
            browser.run("for (const found of document.querySelectorAll('details')) found.open = false")
            browser.run("document.querySelectorAll('details')[arguments[0]].open = true", number)
            assert browser.run("return document.documentElement.scrollWidth") <= 390, (path, number)
        assert folded


def test_the_keyboard_alone_refunds_and_resends(browser, shop, backend):
    """Tab, Enter and Escape; after a click the focus stays where one works."""
    from selenium.webdriver.common.keys import Keys

    shop.order(paid=True)
    backend.wait_for(1)
    browser.open(f"{shop.ready['control_url']}/w/default/")
    walked = []
    for _ in range(80):
        _press(browser, Keys.TAB)
        walked.append(browser.run("return document.activeElement.innerText || document.activeElement.name"))
        if walked[-1] == "Refund":
            break
    assert walked[0] == "Skip to the content"
    assert walked[-1] == "Refund"

    _press(browser, Keys.ENTER, Keys.ESCAPE)
    assert browser.all("details.menu[open]") == []
    _press(browser, Keys.ENTER, Keys.TAB, Keys.ENTER)
    backend.wait_for(2)
    focused = "return document.activeElement.innerText"
    browser.until(lambda: browser.run(focused) == "Resend refund", "the focus went astray")
    _press(browser, Keys.ENTER)
    backend.wait_for(3)
    outline = browser.run("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"


def test_hostile_text_is_shown_as_text(browser, shop, backend):
    """In a player's name, a product's title and a backend's answer."""
    backend.answer_with(Says(status=500, body=EVIL.encode()))
    shop.done("POST", "/products", {"product_id": "1002", "title": EVIL})
    player = shop.player(username=EVIL)
    made = shop.done("POST", "/orders", {"player": player, "product": "1002", "paid": True})
    shop.await_delivery(made["delivery"]["delivery_id"], "failed")

    for path in ("", f"orders/{made['order']['order_id']}", f"deliveries/{made['delivery']['delivery_id']}"):
        browser.open(f"{shop.ready['control_url']}/w/default/{path}")
        assert "<img src=x" in browser.text("main").replace("·", " ")
        assert browser.all("main img, main b b") == []
        assert "owned" not in browser.driver.title


def test_a_page_of_another_site_cannot_click(browser, shop, backend):
    """A form on another origin, posted to ours by the visitor's own browser."""
    target = f"{shop.ready['control_url']}/w/default/click"
    field = '<input name="do" value=\'[["POST","/players",{}]]\'>'
    evil = f'<form method="post" action="{target}">{field}<button>x</button></form>'
    backend.answer_with(Says(body=evil.encode(), headers=(("Content-Type", "text/html"),)))
    before = len(shop.done("GET", "/players")["players"])
    browser.open(backend.url.replace("127.0.0.1", "localhost"))

    browser.find("button").click()
    browser.until(
        lambda: "elsewhere" in browser.text() or "another site" in browser.text(), "it was not refused"
    )

    assert len(shop.done("GET", "/players")["players"]) == before


def test_every_field_has_a_label_and_every_button_a_name(browser, shop, backend):
    """For those who hear the page."""
    order_id, delivery_id = _furnish(shop, backend)
    for path in (*SCREENS, f"orders/{order_id}", f"deliveries/{delivery_id}"):
        browser.open(f"{shop.ready['control_url']}/w/default/{path}")
        nameless = browser.run(
            "return [...document.querySelectorAll('input:not([type=hidden]), select, button, summary, a')]"
            ".filter(e => !(e.labels?.length || e.ariaLabel || e.textContent.trim())).map(e => e.outerHTML)"
        )
        assert nameless == []
        repeated = browser.run(
            "const ids = [...document.querySelectorAll('[id]')].map(e => e.id);"
            "return ids.filter((id, at) => ids.indexOf(id) !== at)"
        )
        assert repeated == []
