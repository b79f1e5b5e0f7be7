"""Coinslot's harness: checks as YAML, played against any backend over the impersonated portal.

Importing this loads neither the sandbox nor a backend; the engine's parts are imported where they are used.
"""
