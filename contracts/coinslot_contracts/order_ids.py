"""Forms in which a portal may write order ids: what is told apart by 30 letters and digits, told otherwise.

clause   sandbox:order-id-form
"""

import hashlib
from collections.abc import Callable, Mapping
from typing import Final

from coinslot_contracts.dialects import Dialect, Speak

LONG_CHARS: Final = 200
_FIRST: Final = 10**17


def _digits(drawn: str) -> str:
    number = int.from_bytes(hashlib.sha256(drawn.encode()).digest(), "big")
    return str(_FIRST + number % (9 * _FIRST))


def _uuid(drawn: str) -> str:
    digits = hashlib.sha256(drawn.encode()).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def _long(drawn: str) -> str:
    return (drawn * LONG_CHARS)[:LONG_CHARS]


_FORMS: Final[Mapping[str, Callable[[str], str]]] = {
    "letters-and-digits": str,
    "digits": _digits,
    "uuid": _uuid,
    "long": _long,
}

ORDER_ID_FORM: Final = Dialect(
    clause="sandbox:order-id-form",
    variants={
        "letters-and-digits": "A new order's id is 30 letters and digits.",
        "digits": "A new order's id is 18 digits: a 64-bit number, and more than a double holds exactly.",
        "uuid": "A new order's id is a UUID.",
        "long": "A new order's id is 200 letters and digits long.",
    },
)
"""The dialect `order_id_form`."""


def order_id(drawn: str, speak: Speak) -> str:
    """The id of a new order.

    drawn   30 letters and digits; two different ones make two different ids
    """
    return _FORMS[speak("order_id_form") or ORDER_ID_FORM.default](drawn)
