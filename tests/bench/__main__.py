"""`python tests/bench [ID …]`: measure, and print each figure with its goal beside it.

Exits 0 whether goals are met or not: a noisy machine is no failed build. What is missed is said.
"""

import platform
import sys
from collections.abc import Callable

from bench_check import catalogue, checks
from bench_deliveries import advance, arrival, recovery, throughput
from bench_endpoints import keys, orders, reads, tokens
from bench_load import connections, growth, peers_memory, tenants
from bench_sandbox import memory, start_up
from bench_sidecar import sidecar
from bench_verifier import callbacks, imports, purchases, verification
from rounds import Figure

BENCHES: dict[tuple[str, ...], Callable[[], list[Figure]]] = {
    ("V1", "V3"): verification,
    ("V2",): purchases,
    ("V4",): callbacks,
    ("V5",): imports,
    ("V6",): sidecar,
    ("S1",): keys,
    ("S2",): tokens,
    ("S3",): orders,
    ("S4",): reads,
    ("S5",): start_up,
    ("S6",): lambda: memory() + peers_memory(),
    ("S7",): connections,
    ("S8",): growth,
    ("W1", "W2"): tenants,
    ("D1", "D2"): throughput,
    ("D3",): arrival,
    ("D4",): advance,
    ("R0",): recovery,
    ("R1", "R2"): checks,
    ("R3",): catalogue,
}


def main(wanted: list[str]) -> int:
    """Run the benches that measure one of the wanted ids, or all."""
    known = [goal_id for ids in BENCHES for goal_id in ids]
    unknown = sorted(set(wanted) - set(known))
    if unknown:
        print(f"no bench measures {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    machine = f"Python {platform.python_version()} on {platform.machine()}"
    print(f"{machine}; ratios are medians over interleaved rounds")
    head = f"{'ours':>11} {'limit, peer':>11} {'ratio (least to greatest)':>25}"
    print(f"{'id':4} {'what':62} {head}  {'goal':>10}")
    for ids, measure in BENCHES.items():
        if not wanted or set(wanted) & set(ids):
            print(*(figure.line() for figure in measure()), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
