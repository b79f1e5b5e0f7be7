"""What a sidecar is started with, and how it says that it cannot start."""

import os
from dataclasses import dataclass, field
from typing import Final

from coinslot_verifier.config import VerifierConfig

PORT: Final = 7713
PROCESSES_MAX: Final = 64
NOT_STARTED: Final = 3


class SidecarStartError(Exception):
    """The sidecar cannot start; one line for people, and the command's exit code."""

    def __init__(self, message: str, *, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code


@dataclass(frozen=True, slots=True, kw_only=True)
class SidecarSettings:
    """Everything that a sidecar is told.

    configs      one configuration per portal, each portal once
    host, port   where it listens; port 0 takes a free one
    token        the bearer token that callers send; None = one is drawn and told in the ready line
    ledger_url   SQLite or PostgreSQL, None = no ledger: every route that needs one answers `ledger-missing`
    processes    how many processes answer; more than one only on POSIX
    allow_hosts  names beside this machine's own under which callers may address it
    threads      how many calls one process answers at the same time
    stop_s       how long running calls may take to end after SIGTERM
    """

    configs: tuple[VerifierConfig, ...]
    host: str = "127.0.0.1"
    port: int = PORT
    token: str | None = field(default=None, repr=False)
    ledger_url: str | None = field(default=None, repr=False)
    processes: int = 1
    allow_hosts: tuple[str, ...] = ()
    threads: int = 32
    stop_s: float = 10.0

    def __post_init__(self) -> None:
        portals = [config.portal for config in self.configs]
        if not portals or len(set(portals)) != len(portals):
            raise SidecarStartError("name each portal once, and at least one", exit_code=2)
        if not 1 <= self.processes <= PROCESSES_MAX:
            raise SidecarStartError(f"processes must be from 1 to {PROCESSES_MAX}", exit_code=2)
        if self.processes > 1 and not hasattr(os, "fork"):
            raise SidecarStartError(
                "several processes need fork, which this system lacks: "
                "start one sidecar per port and balance between them",
                exit_code=2,
            )
        if self.token is not None and not (self.token.isascii() and self.token.isprintable() and self.token):
            raise SidecarStartError("the token must be printable ASCII, and not empty", exit_code=2)
