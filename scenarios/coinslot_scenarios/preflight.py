"""Before any verdict: is this backend wired to this sandbox at all?

One plain login and one plain payment. Ends a run only for what would make every check fail for one reason
that is no check's: unreachable, wrong path, wrong portal address, wrong key or formula. All else is a note.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from coinslot_contracts.errors import SignatureMismatch
from coinslot_contracts.portal import Portal, discover
from coinslot_contracts.wire import find_header

from coinslot_scenarios.answers import Answer
from coinslot_scenarios.item import ItemRun, new_item_run
from coinslot_scenarios.model import Item, Scenario
from coinslot_scenarios.problems import Place
from coinslot_scenarios.profile_shape import PortalSection
from coinslot_scenarios.storefront import BackendUnready
from coinslot_scenarios.verbs import callback, login, purchase
from coinslot_scenarios.verbs.order import new_external_id
from coinslot_scenarios.verbs.player import create_player
from coinslot_scenarios.world import World

_FORMULAS = {
    "key_first": "the digest of key + body; it is body + key",
    "hmac": "an HMAC; it is a plain digest of body + key",
    "sha256": "SHA-256; it is SHA-1",
    "bearer": "a scheme word before the digest; the header is the bare digest",
}
_REFUSING = (404, 405)


class PreflightFailed(Exception):
    """The run makes no sense; the text is one line that says why and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Probe:
    """The surroundings of one portal's preflight."""

    world: World
    run: ItemRun
    portal: Portal


def preflight(world: World) -> list[str]:
    """Notes for people; PreflightFailed where the run must end with 3."""
    exchange = world.backend.reachable()
    if exchange.status is None:
        raise PreflightFailed(
            f"the backend cannot be reached at {world.profile.base_url} ({exchange.error}): "
            "start it, or correct base_url in the profile"
        )
    notes: list[str] = []
    for name, section in world.profile.portals.items():
        probe = _Probe(world=world, run=_item_run(world, name), portal=discover()[name])
        try:
            notes += _notes(probe, section)
        finally:
            if probe.run.order_ids:
                world.client.archive(probe.run.order_ids)
    return notes


def _notes(probe: _Probe, section: PortalSection) -> Iterator[str]:
    """What there is to say of each part that the portal has, one plain use of each."""
    portal = probe.portal
    parts = (
        ("login", portal.identity, section.login, _check_login),
        ("callback", portal.notices, section.callback, _check_callback),
        ("purchase", portal.purchases, section.purchase, _check_purchase),
    )
    for name, part, written, check in parts:
        if part is not None:
            yield from check(probe) if written else [f"{portal.name}.{name} is not in the profile"]


def _item_run(world: World, portal: str) -> ItemRun:
    scenario = Scenario(
        id="PREFLIGHT-01",
        title="The backend is wired to the sandbox",
        clauses=(),
        level="must",
        portal=portal,
        tags=(),
        why="",
        fix="",
        catches=(),
        let={},
        place=Place("preflight"),
    )
    run = new_item_run(Item(scenario=scenario, case=portal), world)
    run.after_seq = world.journal.mark()
    return run


def _check_login(probe: _Probe) -> list[str]:
    run = probe.run
    player = create_player(run, "preflight", login=False)
    run.players[player.name] = player
    answer = login.log_in(run, player, login.Args(player=player.name), hostile=False)[0]
    _refuse_missing_path(answer, f"{probe.portal.name}.login.request.path")
    if answer.accepted:
        return []
    probe.world.journal.mark()
    identity = probe.portal.identity
    if identity is not None and not run.calls(identity.key_endpoint):
        block = ", ".join(f"{name}={value}" for name, value in _addresses(probe).items())
        raise PreflightFailed(
            f"a valid login was refused ({answer.shown}) and the public key was never fetched from the "
            f"sandbox: most likely the backend talks to another host; give it {block} "
            "(coinslot check --print-env). If it does have these, --no-preflight shows which checks fail"
        )
    return [f"a valid login was refused: {answer.shown}"]


def _addresses(probe: _Probe) -> dict[str, str]:
    return {
        name: value
        for name, value in probe.world.environment.items()
        if value.startswith(("http://", "https://"))
    }


def _check_callback(probe: _Probe) -> list[str]:
    answer = _send(probe)
    if answer.status is None:
        raise PreflightFailed(
            f"the callback URL {answer.request.target} does not answer ({answer.error}): "
            f"correct base_url and {probe.portal.name}.callback.path in the profile"
        )
    _refuse_missing_path(answer, f"{probe.portal.name}.callback.path")
    if answer.accepted:
        return []
    cause = next(_diagnoses(probe, answer), None)
    if cause is not None:
        raise PreflightFailed(f"a valid notification was refused ({answer.shown}): {cause}")
    return [f"a valid notification was refused: {answer.shown} ({answer.why})"]


def _check_purchase(probe: _Probe) -> list[str]:
    run, portal = probe.run, probe.portal
    player = create_player(run, "preflight-client")
    run.players[player.name] = player
    product_id, order_id = run.product_id(1), run.new_order_id()
    try:
        external_id = new_external_id(run, player, portal=portal.name, product_id=product_id)
    except BackendUnready as error:
        return [str(error)]
    run.order_ids.append(order_id)
    probe.world.client.create_order(
        order_id=order_id,
        player=player.user_id,
        product=product_id,
        portal=portal.name,
        external_id=external_id,
        paid=True,
    )
    args = purchase.Args(player=player.name, order="preflight")
    answer = purchase.hand_over(run, player, order_id, args, portal=portal.name)[0]
    if answer.accepted:
        return []
    probe.world.journal.mark()
    assert portal.purchases is not None
    fetched = run.calls(portal.purchases.key_endpoint)
    why = (
        "" if fetched else "; the key set was never fetched from the sandbox, so it may talk to another host"
    )
    return [f"a valid purchase was refused: {answer.shown} ({answer.why}){why}"]


def _diagnoses(probe: _Probe, refused: Answer) -> Iterator[str]:
    """What a refused valid notification shows of key and formula; the surest first."""
    for name, says in _FORMULAS.items():
        if _send(probe, signature=name).accepted:
            yield f"the backend accepts a signature that is {says}"
    yield from _key_of_calls(probe)
    notices = probe.portal.notices
    assert notices is not None
    mismatch = notices.refusal(SignatureMismatch(""))
    if refused.code is not None and refused.code == notices.ack(mismatch.status, mismatch.body).code:
        yield (
            "it says that the signature is wrong, so its shared key is not the profile's "
            f"{probe.portal.name}.shared_key (or it does not hash the raw bytes of the body)"
        )


def _key_of_calls(probe: _Probe) -> Iterator[str]:
    """Signatures that the backend made itself, tried with the usual slips of the key."""
    notices, reports = probe.portal.notices, probe.portal.reports
    assert notices is not None
    key = probe.world.games[probe.portal.name].shared_key
    slips = {
        f"{key}\n": "with a newline behind it",
        f"{key} ": "with a space behind it",
        key.strip(): "without its outer spaces",
        "": "as the empty text",
    }
    endpoints = [] if reports is None else [reports.arrived_endpoint, reports.orders_endpoint]
    for entry in (call for name in endpoints for call in probe.run.calls(name)):
        sent = find_header(entry.request.headers, notices.signature_header)
        for slip, says in slips.items():
            if slip != key and sent == notices.sign(entry.request.body, slip.encode()):
                yield f"the backend uses the shared key {says}"


def _send(probe: _Probe, *, signature: str = "valid") -> Answer:
    run = probe.run
    player = run.companion or create_player(run, "preflight-buyer")
    run.companion = player
    order_id = run.new_order_id()
    run.order_ids.append(order_id)
    probe.world.client.create_order(
        order_id=order_id,
        player=player.user_id,
        product=run.product_id(1),
        portal=probe.portal.name,
        game=probe.world.games[probe.portal.name].game_id,
        callback="manual",
    )
    args = callback.Args(order="preflight", type="pay", signature=signature)
    return callback.send_callback(run, order_id, args, hostile=False)[0]


def _refuse_missing_path(answer: Answer, key: str) -> None:
    if answer.status in _REFUSING:
        raise PreflightFailed(
            f"{answer.request.method} {answer.request.target} answers {answer.status}: "
            f"correct {key} in the profile"
        )
