"""The sidecar: the verifier as a small HTTP service that a backend in any language asks.

`main` runs it; `create_app` in `app` is the WSGI application alone. Flask and cheroot are loaded by the
modules that use them, not by this one.
"""

from coinslot_verifier.sidecar.serve import main
from coinslot_verifier.sidecar.settings import SidecarSettings, SidecarStartError

__all__ = ["SidecarSettings", "SidecarStartError", "main"]
