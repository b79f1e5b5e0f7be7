"""Control calls about what a portal publishes: its keys, the entries beside them, and its dialects."""

from coinslot_sandbox.control import schema_purchases as schema
from coinslot_sandbox.control.call import Call, Reply, unknown
from coinslot_sandbox.control.resources import dump_keys
from coinslot_sandbox.keys import KeyRing


def list_keys(call: Call) -> Reply:
    """Every key of every ring."""
    return 200, {"keys": dump_keys(call.services.rings.values())}


def rotate_keys(call: Call) -> Reply:
    """Rotate a portal's keys."""
    wanted = schema.parse_rotation(call.body, call.context)
    ring = _ring(call, wanted.portal, wanted.environment)
    ring.rotate(wanted.rotate, publish_after_s=wanted.publish_after_s)
    if wanted.key_form is not None:
        call.services.dialects.choose(wanted.portal, {schema.KEY_FORM: wanted.key_form})
    return _keys(ring)


def add_key(call: Call) -> Reply:
    """Put an entry into a portal's published set."""
    portal, environment, kind = schema.parse_key_entry(call.body, call.context)
    ring = _ring(call, portal, environment)
    ring.add_extra(kind)
    return _keys(ring)


def change_key(call: Call) -> Reply:
    """Publish or withdraw a key, or let it sign."""
    published, signs = schema.parse_key_change(call.body)
    kid = call.args["kid"]
    ring = next((ring for ring in call.services.rings.values() if ring.find(kid)), None)
    if ring is None:
        raise unknown("key", kid)
    ring.change(kid, published=published, signs=signs)
    return _keys(ring)


def list_dialects(call: Call) -> Reply:
    """Which variant each portal speaks, and which it could speak."""
    dialects = call.services.dialects
    return 200, {"dialects": dialects.spoken(), "known": dialects.known()}


def choose_dialects(call: Call) -> Reply:
    """Choose variants of one portal."""
    portal, choices = schema.parse_dialects(call.body, call.context)
    call.services.dialects.choose(portal, choices)
    ring = call.services.rings.get(portal)
    if ring is not None:
        ring.follow_dialects()
    return list_dialects(call)


def _ring(call: Call, portal: str, environment: str) -> KeyRing:
    return call.services.rings[call.context.portals[portal].face(environment)]


def _keys(ring: KeyRing) -> Reply:
    return 200, {"keys": dump_keys([ring])}
