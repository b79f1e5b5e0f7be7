"""What the portals' documents say, written once, without I/O.

Bytes in, bytes out: nothing here reads a clock, draws a random number, opens a socket or knows a framework.
The sandbox and the verifier are generic engines over the `Portal` values that live in `portals/`.
"""
