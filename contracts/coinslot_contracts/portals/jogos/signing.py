"""How Jogos and a game sign to each other: one rule, both directions.

clauses   jogos:iap.sha1, jogos:iap.1.auth
"""

import hashlib
from typing import Final

SIGNATURE_HEADER: Final = "Authorization"


def signature(body: bytes, shared_key: bytes) -> str:
    """Sign a Jogos message.

    body        exact bytes on the wire, never re-serialised
    shared_key  the key from the game parameters, UTF-8 bytes
    returns     40 lowercase hex digits, sent bare in Authorization
    clause      jogos:iap.sha1
    """
    return hashlib.sha1(body + shared_key).hexdigest()
