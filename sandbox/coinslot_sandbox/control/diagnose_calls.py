"""Control calls that name the cause of a signature or token that does not verify."""

from coinslot_sandbox import diagnosis_desk
from coinslot_sandbox.control import schema_diagnose as schema
from coinslot_sandbox.control.call import Call, Reply, unknown


def post_signature(call: Call) -> Reply:
    """Name the mistake in a signature."""
    asked = schema.parse_signature_question(call.body, call.context)
    try:
        found = diagnosis_desk.diagnose_signature_of(
            call.services,
            call.context.portals[asked.portal],
            game_id=asked.game_id,
            body=asked.body,
            signature=asked.signature,
        )
    except diagnosis_desk.GameUnknown as error:
        raise unknown("game", str(error)) from None
    return 200, found.as_json()


def post_token(call: Call) -> Reply:
    """Name the mistakes in a token, or in how it is read."""
    asked = schema.parse_token_question(call.body, call.context)
    found = diagnosis_desk.diagnose_token_of(
        call.services,
        portal=asked.portal,
        environment=asked.environment,
        game_id=asked.game_id,
        token=asked.token,
        at_s=asked.at_s,
        public_key=asked.public_key,
        user_id=asked.user_id,
        audience=asked.audience,
    )
    return 200, found.as_json()
