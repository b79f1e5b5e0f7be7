"""The control API on its own port. Its contract is the OpenAPI document that it serves."""
