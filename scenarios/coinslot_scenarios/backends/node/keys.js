// From a public key as portals publish it to one that can verify.
//
// PEM with any line breaks or none, PKCS#1 or SPKI, bare Base64: label and white space come off and the DER is read
// anew. A key that is not RSA of at least 2,048 bits, or P-256, is none.

import { createPublicKey } from 'node:crypto';

const PEM = /^-----BEGIN (RSA )?PUBLIC KEY-----([^-]*)-----END (RSA )?PUBLIC KEY-----$/;
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const RSA_BITS_MIN = 2048;

/** The text of an RSA key to a KeyObject, or null. */
export function readKeyText(value) {
  if (typeof value !== 'string') return null;
  const pem = PEM.exec(value.trim());
  const base64 = (pem ? pem[2] : value).replace(/\s+/g, '');
  if (!BASE64.test(base64) || (pem && pem[1] !== pem[3])) return null;
  const key = load({ key: Buffer.from(base64, 'base64'), format: 'der', type: pem?.[1] ? 'pkcs1' : 'spki' });
  return key?.asymmetricKeyType === 'rsa' ? key : null;
}

/** An entry of a key set to {kid, algorithm, key}, or null for whatever is not a public signing key. */
export function readJwk(entry) {
  if (entry === null || typeof entry !== 'object' || (entry.use ?? 'sig') !== 'sig') return null;
  if (entry.kty !== 'RSA' && entry.kty !== 'EC') return null; // above all no "oct": that would be a shared secret
  const { kty, n, e, crv, x, y } = entry;
  const key = load({ key: { kty, n, e, crv, x, y }, format: 'jwk' });
  if (key === null) return null;
  const algorithm = key.asymmetricKeyType === 'rsa' ? 'RS256' : 'ES256';
  if ((entry.alg ?? algorithm) !== algorithm) return null;
  return { kid: typeof entry.kid === 'string' ? entry.kid : null, algorithm, key };
}

function load(source) {
  try {
    const key = createPublicKey(source);
    const { modulusLength, namedCurve } = key.asymmetricKeyDetails;
    const strong = key.asymmetricKeyType === 'rsa' ? modulusLength >= RSA_BITS_MIN : namedCurve === 'prime256v1';
    return strong ? key : null;
  } catch {
    return null;
  }
}
