"""What a user may get wrong; mypy --strict finds each line that says so (test_typing.py)."""

from coinslot_verifier import (
    Identity,
    IdentityVerifier,
    Ledger,
    NotificationVerifier,
    VerifierConfig,
    open_engine,
)
from coinslot_verifier.adapters.flask import identity_required

config = VerifierConfig("jogos")  # error: call-arg
VerifierConfig(portal="jogos", shared_keys=("text",))  # error: arg-type
VerifierConfig(portal="jogos", no_such_setting=1)  # error: call-arg
identity: Identity = IdentityVerifier(config).verify("token")
identity.user_id + 1  # error: operator
identity.user_id = "258"  # error: misc
assert identity.nickname  # error: attr-defined
IdentityVerifier(config).verify()  # error: call-arg
NotificationVerifier(config).verify(None, "text")  # error: arg-type
Ledger(open_engine("sqlite://"))  # error: call-arg
identity_required(IdentityVerifier(config))(lambda: None)  # error: arg-type misc
