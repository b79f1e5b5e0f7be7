"""Names for players and products that were given none, seeded: the same number gives the same name.

Faker is imported on first use, because a sandbox that is only asked for keys never needs it.
"""

import threading
from typing import TYPE_CHECKING

from coinslot_contracts.domain import Player

from coinslot_sandbox.ids import number_of
from coinslot_sandbox.store.records import Product

if TYPE_CHECKING:
    from faker import Faker

USERNAME_CHARS = (6, 20)
USER_ID_RANGE = (100_000, 2_147_483_647)
"""User ids fit the `int` that the documents type them as."""


class Namer:
    """Makes up what a call leaves out.

    seed  of the workspace
    """

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._lock = threading.Lock()
        self._faker: Faker | None = None

    def player(self, *, number: int, user_id: str, username: str | None, picture_url: str | None) -> Player:
        """A player whose missing facts are made up."""
        return Player(
            user_id=user_id,
            username=self._username(number) if username is None else username,
            picture_url=self._picture(number) if picture_url is None else picture_url,
        )

    def product(self, *, number: int, product_id: str, title: str | None, price: int | None) -> Product:
        """A product whose missing facts are made up."""
        return Product(
            product_id=product_id,
            title=self._title(number) if title is None else title,
            price=(1 + number_of(self._seed, "price", number) % 20) * 50 if price is None else price,
        )

    def _username(self, number: int) -> str:
        least, most = USERNAME_CHARS
        drawn = self._draw("username", number, "user_name")
        name = "".join(character for character in drawn if character.isalnum() or character in "._")
        return name[:most].ljust(least, "0")

    def _picture(self, number: int) -> str:
        return f"https://image.example.invalid/{number_of(self._seed, 'picture', number):064x}"[:62] + ".jpg"

    def _title(self, number: int) -> str:
        return self._draw("title", number, "catch_phrase")

    def _draw(self, kind: str, number: int, provider: str) -> str:
        with self._lock:
            if self._faker is None:
                from faker import Faker

                self._faker = Faker("en_US", use_weighting=False)
            self._faker.seed_instance(number_of(self._seed, kind, number))
            return str(getattr(self._faker, provider)())
