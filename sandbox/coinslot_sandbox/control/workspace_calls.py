"""Control calls about workspaces and their clocks, and the environment block that connects a backend."""

from coinslot_sandbox.connect import FORMATS, dump_environment, environment_block, workspace_member
from coinslot_sandbox.control import schema_workspaces as schema
from coinslot_sandbox.control.call import Call, Reply, Text, choice, unknown
from coinslot_sandbox.services import Services

KINDS = {"json": "application/json", "dotenv": "text/plain; charset=utf-8", "compose": "application/yaml"}


def list_workspaces(call: Call) -> Reply:
    """Every workspace, oldest first."""
    names = [record.name for record in call.workspaces.list_records()]
    found = [services for name in names if (services := call.workspaces.find(name)) is not None]
    return 200, {"workspaces": [_member(call, services) for services in found]}


def post_workspace(call: Call) -> Reply:
    """Make a workspace."""
    return 201, _member(call, call.workspaces.create(schema.parse_workspace(call.body)))


def get_workspace(call: Call) -> Reply:
    """One workspace."""
    return 200, _member(call, _find(call))


def delete_workspace(call: Call) -> Reply:
    """Delete a workspace and everything in it."""
    shown = _member(call, _find(call))
    call.workspaces.delete(call.args["workspace"])
    return 200, shown


def get_environment(call: Call) -> Reply:
    """The environment block of this workspace."""
    kind = choice(call, "format", FORMATS) or "json"
    environment = choice(call, "environment", tuple(call.context.environments))
    block = environment_block(call.services, call.workspaces.addresses, environment)
    return 200, Text(text=dump_environment(block, kind), kind=KINDS[kind])


def get_clock(call: Call) -> Reply:
    """Where the clocks of this workspace are."""
    return 200, _clock(call)


def freeze_clock(call: Call) -> Reply:
    """Let the schedule stand still."""
    call.services.dispatch.advancer.freeze(schema.parse_freeze(call.body))
    return get_clock(call)


def resume_clock(call: Call) -> Reply:
    """Let the schedule run on from where it stands."""
    schema.parse_nothing(call.body)
    call.services.dispatch.advancer.resume()
    return get_clock(call)


def offset_claims(call: Call) -> Reply:
    """Move the clock of what tokens claim."""
    call.services.dispatch.advancer.set_claims_offset(schema.parse_claims_offset(call.body))
    return get_clock(call)


def advance_clock(call: Call) -> Reply:
    """Move the schedule forward and send what falls due, waiting for each answer."""
    done = call.services.dispatch.advancer.advance(schema.parse_advance(call.body))
    return 200, {
        "now_s": done.now_s,
        "fired": done.fired,
        "next_at_s": done.next_at_s,
        "idle": done.next_at_s is None,
    }


def reset(call: Call) -> Reply:
    """As at first start; ids and journal numbers go on."""
    call.services.reset(keep=schema.parse_reset(call.body))
    return 200, {"seed": call.services.record.seed}


def _find(call: Call) -> Services:
    name = call.args["workspace"]
    services = call.workspaces.find(name)
    if services is None:
        raise unknown("workspace", name)
    return services


def _member(call: Call, services: Services) -> dict[str, object]:
    return workspace_member(services, call.workspaces.addresses)


def _clock(call: Call) -> dict[str, object]:
    ground = call.services.ground
    next_at_s = call.services.dispatch.advancer.next_at_s()
    return {
        "machine_s": ground.clock.now_s(),
        "schedule": {
            "now_s": ground.schedule.now_s(),
            "frozen": ground.schedule.is_frozen,
            "next_at_s": next_at_s,
        },
        "claims": {"now_s": ground.claims.now_s(), "offset_s": ground.claims.offset_s},
        "jumps": [{"at_s": jump.at_s, "by_s": jump.by_s} for jump in call.workspaces.common.watch.jumps],
    }
