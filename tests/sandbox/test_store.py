"""The store: a second start goes on, two writers lose nothing, what cannot be used is said in a line."""

import sqlite3
import threading

import pytest
from coinslot_sandbox import Sandbox, SandboxSettings, SandboxStartError
from coinslot_sandbox.store.database import BLOCK, Database
from coinslot_sandbox.store.tables import META
from coinslot_testkit.sandbox_client import SandboxClient
from sqlalchemy import insert, select, update


def _settings(store, **more):
    return SandboxSettings(**{"port": 0, "control_port": 0, "store": store, **more})


class _Run:
    """One start of a sandbox over a store."""

    def __init__(self, store, **more):
        self._sandbox = Sandbox(_settings(store, **more))

    def __enter__(self):
        self._sandbox.__enter__()
        self.client = SandboxClient(self._sandbox.ready)
        return self.client

    def __exit__(self, *details):
        self.client.pool.clear()
        self._sandbox.__exit__(*details)


def test_a_second_start_goes_on_where_the_first_ended(tmp_path):
    """--store keeps seed, game, keys, orders, deliveries and the journal; ids never come twice."""
    store = tmp_path / "kept.sqlite"
    with _Run(store, seed=11) as client:
        first = client.ready
        client.done("POST", "/keys/rotate", {"rotate": "replace"})
        order = client.order(paid=True, callback="lost")
        keys, last = client.done("GET", "/keys"), client.journal()[-1]["seq"]
        again = client.done("POST", "/players", {})

    with _Run(store) as client:
        second = client.ready

        assert {k: second[k] for k in ("seed", "jogos", "store")}["seed"] == 11
        assert second["jogos"]["game_id"] == first["jogos"]["game_id"]
        assert second["jogos"]["shared_key"] == first["jogos"]["shared_key"]
        assert second["store"] == str(store)
        assert client.done("GET", "/keys") == keys
        assert client.done("GET", f"/orders/{order['order']['order_id']}")["order"] == order["order"]
        assert client.done("GET", "/deliveries")["deliveries"] == [order["delivery"]]
        assert client.orders_page().json["page"]["total"] == 1
        assert client.journal()[0]["seq"] == 1
        client.player(username="newcomer")
        assert client.journal()[-1]["seq"] > last
        assert client.done("POST", "/players", {})["user_id"] != again["user_id"]
        assert client.order_id() != order["order"]["order_id"]


def test_a_clean_stop_wastes_no_numbers(tmp_path):
    """What was reserved and not used is given back, so that ids do not depend on how often one starts."""
    ids = []
    for name, stops in (("one", 1), ("two", 2)):
        made = []
        for _ in range(stops):
            with _Run(tmp_path / name, seed=5) as client:
                made += [client.player(username="someone") for _ in range(2 // stops)]
        ids.append(made)

    assert ids[0] == ids[1]


def test_the_same_seed_gives_the_same_world(tmp_path):
    """Players, order ids, shared key, game id and keys follow from the seed; another seed, another world."""

    def world(name, seed):
        with _Run(tmp_path / name, seed=seed) as client:
            player = client.done("POST", "/players")
            order = client.order_id(player=player["user_id"])
            kids = [key["kid"] for key in client.done("GET", "/keys")["keys"]]
            return player, order, client.ready["jogos"]["game_id"], client.shared_key, kids

    assert world("a", 3) == world("b", 3)
    assert not [same for same in zip(world("c", 3), world("d", 4), strict=True) if same[0] == same[1]]


def test_options_override_what_the_store_knows(tmp_path):
    """game id, shared key and callback URL of the command line win; the old game stays registered."""
    store = tmp_path / "kept.sqlite"
    with _Run(store, game_id="9943", shared_key="first-shared-key") as client:
        assert (client.game_id, client.shared_key) == ("9943", "first-shared-key")

    with _Run(store, game_id="1220", callback_url="http://127.0.0.1:9/x") as client:
        games = {game["game_id"]: game for game in client.done("GET", "/games")["games"]}
        assert client.game_id == "1220"
        assert games["1220"]["callback_url"] == "http://127.0.0.1:9/x"
        assert games["9943"]["shared_key"] == "first-shared-key"


def test_a_temporary_store_is_removed(tmp_path, monkeypatch):
    """Without --store nothing is left behind."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with _Run(None) as client:
        assert client.ready["store"] is None
        assert len(list(tmp_path.iterdir())) == 1

    assert list(tmp_path.iterdir()) == []


def test_another_seed_for_a_kept_store_is_refused(tmp_path):
    """A store has one seed; the same one, or none, goes on."""
    store = tmp_path / "kept.sqlite"
    with _Run(store, seed=1), pytest.raises(SandboxStartError) as refused, _Run(store, seed=2):
        pass

    assert refused.value.exit_code == 2
    with _Run(store, seed=1) as client:
        assert client.ready["seed"] == 1


def _text_file(path):
    path.write_text("this is no database, but a text that is long enough to be taken for one" * 20)
    return path


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: folder / "missing" / "store.sqlite",
        lambda folder: folder,
        lambda folder: _text_file(folder / "text"),
    ],
    ids=["no-folder", "a-folder", "no-database"],
)
def test_a_store_that_cannot_be_used_is_one_line_and_exit_3(tmp_path, spoil):
    """interface: store not writable is 3; a good file is the twin above."""
    with pytest.raises(SandboxStartError) as refused, _Run(spoil(tmp_path)):
        pass

    assert refused.value.exit_code == 3
    assert "\n" not in refused.value.message
    assert "--store" in refused.value.message


def test_a_store_of_another_schema_is_not_touched(tmp_path):
    """An older or newer version's file is refused, not guessed at."""
    store = tmp_path / "kept.sqlite"
    database = Database(store)
    with database.write() as connection:
        connection.execute(update(META).where(META.c.name == "schema").values(value="0"))
    database.close()

    with pytest.raises(SandboxStartError) as refused, _Run(store):
        pass

    assert "schema 0" in refused.value.message


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense://", "://"])
def test_a_url_of_another_engine_is_refused(url):
    """SQLite and PostgreSQL only."""
    with pytest.raises(SandboxStartError) as refused, _Run(url):
        pass

    assert refused.value.exit_code == 2


def test_writers_queue_and_lose_nothing(tmp_path):
    """Without BEGIN IMMEDIATE a read that turns into a write loses updates without an error."""
    databases = [Database(tmp_path / "one.sqlite") for _ in range(2)]
    with databases[0].write() as connection:
        connection.execute(insert(META).values(name="counter", value="0"))
    here = META.c.name == "counter"

    def count(database):
        for _ in range(25):
            with database.write() as connection:
                seen = int(connection.scalar(select(META.c.value).where(here)))
                connection.execute(update(META).where(here).values(value=str(seen + 1)))

    counters = [threading.Thread(target=count, args=(database,)) for database in databases * 4]
    for counter in counters:
        counter.start()
    for counter in counters:
        counter.join()

    with databases[1].read() as connection:
        assert connection.scalar(select(META.c.value).where(here)) == "200"
    for database in databases:
        database.close()


def test_numbers_never_come_twice_even_after_a_kill(tmp_path):
    """A process that was killed leaves the rest of its block unused."""
    killed = Database(tmp_path / "one.sqlite")
    before = [killed.next_number("order") for _ in range(3)]
    killed.engine.dispose()

    after = Database(tmp_path / "one.sqlite")
    drawn = [after.next_number("order") for _ in range(BLOCK + 2)]

    assert before == [0, 1, 2]
    assert drawn[0] == BLOCK
    assert len(set(before + drawn)) == len(before + drawn)
    after.close()


def test_a_rolled_back_transaction_leaves_nothing(tmp_path):
    """What belongs together is committed together."""
    database = Database(tmp_path / "one.sqlite")

    def write_half():
        with database.write() as connection:
            connection.execute(insert(META).values(name="half", value="1"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write_half()

    with database.read() as connection:
        assert connection.scalar(select(META.c.value).where(META.c.name == "half")) is None
    database.close()


def test_a_page_of_orders_reads_an_index(tmp_path):
    """A page costs the same at any number of orders: the index gives the order, a counter the total."""
    store = tmp_path / "kept.sqlite"
    with _Run(store) as client:
        client.order_id(paid=True, callback="lost")
    with sqlite3.connect(store) as connection:
        plan = connection.execute(
            "EXPLAIN QUERY PLAN SELECT * FROM orders WHERE workspace='default' AND portal='jogos' AND "
            "environment='production' AND game_id='1' AND listed=1 ORDER BY paid_at_s DESC, order_id LIMIT 20"
        ).fetchall()
        counted = connection.execute("SELECT sum(count) FROM listed_orders").fetchone()
    connection.close()

    steps = " ".join(row[3] for row in plan)
    assert "orders_listed" in steps
    assert "TEMP B-TREE" not in steps
    assert counted == (1,)
