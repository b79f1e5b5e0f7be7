"""Control calls about the API itself."""

from coinslot_sandbox.control.call import Call, Reply


def get_document(call: Call) -> Reply:
    """This API as an OpenAPI document."""
    from coinslot_sandbox.control.openapi import document

    return 200, document(call.context.portals)
