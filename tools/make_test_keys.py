"""Make the pool of test keys that ships with the sandbox, and the digests by which the verifier knows them.

Run it once, by hand: `python tools/make_test_keys.py`. A new pool changes every signature that a seed
produces, so it is a breaking change and belongs in the changelog.
"""

import hashlib
import json
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

ROOT = Path(__file__).resolve().parent.parent
POOL = ROOT / "sandbox/coinslot_sandbox/data/test-keys.json"
DIGESTS = ROOT / "contracts/coinslot_contracts/test_key_digests.txt"
WARNING = "PUBLIC TEST KEYS. Everybody has them. Never let anything of value depend on one."


def main() -> None:
    """Write both files."""
    rsa_keys = [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(64)]
    ec_keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(16)]
    pool = {
        "warning": WARNING,
        "rsa_2048": [_pem(key) for key in rsa_keys],
        "p_256": [_pem(key) for key in ec_keys],
    }
    POOL.write_text(json.dumps(pool, indent=1) + "\n", "ascii")
    digests = "\n".join(_digest(key) for key in [*rsa_keys, *ec_keys])
    DIGESTS.write_text(
        f"# SHA-256 of the SubjectPublicKeyInfo of each key in the sandbox's pool\n{digests}\n", "ascii"
    )


def _pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _digest(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


if __name__ == "__main__":
    main()
