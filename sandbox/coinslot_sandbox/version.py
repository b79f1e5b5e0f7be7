"""Which version of the sandbox this is, as it was installed."""

from importlib.metadata import PackageNotFoundError, version


def sandbox_version() -> str:
    """The version, "0" where it runs from a folder that was never installed."""
    try:
        return version("coinslot")
    except PackageNotFoundError:
        return "0"
