"""The games of a workspace: the default one of each portal, those that are registered, and their secrets.

A game's shared key is drawn where nobody gave one; given as None it means that the team has not set it yet.
"""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from coinslot_contracts.domain import Game
from coinslot_contracts.portal import Portal
from sqlalchemy import Connection

from coinslot_sandbox.ids import number_of, text_of
from coinslot_sandbox.settings import SandboxSettings
from coinslot_sandbox.store.database import Database
from coinslot_sandbox.store.records import GameRecord
from coinslot_sandbox.store.shop import Shop

SHARED_KEY_CHARS: Final = 32
TIMEOUT_S: Final = 10.0
FORMER_KEYS_MAX: Final = 8
SHORT_GAME_IDS: Final = (1000, 9999)
LONG_GAME_IDS: Final = (1_000_000, 2_147_483_647)
"""Game ids fit the `int` that the documents type them as."""


class Kept:
    """Stands for a member that a call leaves as it is; None means "not set"."""


KEPT: Final = Kept()


@dataclass(frozen=True, slots=True, kw_only=True)
class GameChange:
    """What a call sets of a game; KEPT leaves a member alone, or gives a new game its default."""

    shared_key: str | Kept | None = KEPT
    callback_url: str | Kept | None = KEPT
    iap_enabled: bool | Kept = KEPT
    retry: str | tuple[float, ...] | Kept = KEPT
    timeout_s: float | Kept = KEPT
    environments: tuple[str, ...] | Kept = KEPT
    ack_rule: str | Kept = KEPT
    terminal_codes: tuple[str, ...] | Kept = KEPT


class GameDesk:
    """Reads and writes games; knows every secret that must not be shown.

    is_alone   whether short game ids will do, because no other workspace has to be told from this one by them
    """

    def __init__(
        self,
        *,
        settings: SandboxSettings,
        portals: Mapping[str, Portal],
        database: Database,
        shop: Shop,
        seed: int,
        control_token: str,
        is_alone: bool,
    ) -> None:
        self._settings = settings
        self._database = database
        self._shop = shop
        self._seed = seed
        self._is_alone = is_alone
        self._portals = {name: portal for name, portal in portals.items() if portal.notices is not None}
        self._lock = threading.Lock()
        self._secrets: tuple[str, ...] = (control_token,)
        self._former: dict[tuple[str, str], tuple[bytes, ...]] = {}
        self.lay_defaults()

    def lay_defaults(self) -> None:
        """See that each portal has its default game, with what the start options say of it."""
        with self._database.write() as connection:
            self.write_defaults(connection)
        self.learn_secrets()

    def write_defaults(self, connection: Connection) -> None:
        """The same in a transaction of the caller's, who lets `learn_secrets` follow once it is committed."""
        for portal in self._portals.values():
            known = self._shop.find_default_game(connection, portal.name)
            wanted = self._default(portal.name, known)
            if known is not None and known.game.game_id != wanted.game.game_id:
                self._shop.save_game(connection, replace(known, is_default=False))
            self._shop.save_game(connection, wanted)

    def put(self, portal: str, game_id: str, change: GameChange) -> GameRecord:
        """Register a game, or change one."""
        with self._database.write() as connection:
            known = self._shop.find_game(connection, portal, game_id)
            record = self._changed(known, portal, game_id, change)
            self._shop.save_game(connection, record)
        if known is not None and known.game.shared_key != record.game.shared_key:
            self._remember_key(portal, known.game)
        self.learn_secrets()
        return record

    def former_keys(self, portal: str, game_id: str) -> tuple[bytes, ...]:
        """The shared keys that a game had before, the latest first, as far as this process has seen them."""
        return self._former.get((portal, game_id), ())

    def default(self, portal: str) -> GameRecord:
        """The game that is meant where a call names none."""
        with self._database.read() as connection:
            game = self._shop.find_default_game(connection, portal)
        assert game is not None
        return game

    def list_games(self) -> list[GameRecord]:
        """Every game, the default ones first."""
        with self._database.read() as connection:
            return self._shop.list_games(connection)

    def secrets(self) -> Iterable[str]:
        """Every shared key that there is or was, and the control token."""
        return self._secrets

    def _remember_key(self, portal: str, game: Game) -> None:
        if game.shared_key is None:
            return
        with self._lock:
            before = [key for key in self.former_keys(portal, game.game_id) if key != game.shared_key]
            self._former[portal, game.game_id] = (game.shared_key, *before)[:FORMER_KEYS_MAX]

    def _new(self, portal: str, game_id: str) -> GameRecord:
        key = text_of(number_of(self._seed, portal, game_id, "shared-key"), SHARED_KEY_CHARS)
        return GameRecord(
            portal=portal,
            game=Game(game_id=game_id, shared_key=key.encode()),
            retry=self._settings.retry,
            timeout_s=TIMEOUT_S,
            environments=self._portals[portal].environments,
        )

    def _changed(self, known: GameRecord | None, portal: str, game_id: str, change: GameChange) -> GameRecord:
        """A game as a call leaves it; a new one has had no key before."""
        if known is not None:
            return _changed(known, change)
        return replace(_changed(self._new(portal, game_id), change), previous_key=None)

    def _default(self, portal: str, known: GameRecord | None) -> GameRecord:
        settings = self._settings
        game_id = settings.game_id or (known.game.game_id if known else self._drawn_game_id(portal))
        same = known if known is not None and known.game.game_id == game_id else None
        change = GameChange(
            shared_key=KEPT if settings.shared_key is None else settings.shared_key,
            callback_url=KEPT if settings.callback_url is None else settings.callback_url,
        )
        return replace(self._changed(same, portal, game_id, change), is_default=True)

    def _drawn_game_id(self, portal: str) -> str:
        least, most = SHORT_GAME_IDS if self._is_alone else LONG_GAME_IDS
        return str(least + number_of(self._seed, portal, "game") % (most - least + 1))

    def learn_secrets(self) -> None:
        """Keep every key that the store holds out of what is recorded."""
        known = [key for game in self.list_games() for key in (game.game.shared_key, game.previous_key)]
        keys = {key.decode() for key in known if key}
        with self._lock:
            self._secrets = tuple(sorted({*self._secrets, *keys}, key=len, reverse=True))


def _changed(record: GameRecord, change: GameChange) -> GameRecord:
    game, previous_key = record.game, record.previous_key
    if not isinstance(change.shared_key, Kept):
        key = None if change.shared_key is None else change.shared_key.encode()
        previous_key = previous_key if key == game.shared_key else game.shared_key or previous_key
        game = replace(game, shared_key=key)
    if not isinstance(change.callback_url, Kept):
        game = replace(game, callback_url=change.callback_url)
    if not isinstance(change.iap_enabled, Kept):
        game = replace(game, iap_enabled=change.iap_enabled)
    return replace(
        record,
        game=game,
        retry=record.retry if isinstance(change.retry, Kept) else change.retry,
        timeout_s=record.timeout_s if isinstance(change.timeout_s, Kept) else change.timeout_s,
        environments=record.environments if isinstance(change.environments, Kept) else change.environments,
        ack_rule=record.ack_rule if isinstance(change.ack_rule, Kept) else change.ack_rule,
        terminal_codes=(
            record.terminal_codes if isinstance(change.terminal_codes, Kept) else change.terminal_codes
        ),
        previous_key=previous_key,
    )
