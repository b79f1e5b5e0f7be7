// Signed tokens: what both portals' tokens have in common. The signature is jsonwebtoken's business; what it lets
// pass by default is ours.

import jwt from 'jsonwebtoken';

import { Refused } from './errors.js';

const CLOCK_SKEW_S = 30;
const CHARS_MAX = 16_384;
// `crit` changes how a token is read, the others bring a key of the sender's own; jsonwebtoken ignores them all
const HEADERS_REFUSED = ['crit', 'b64', 'zip', 'jwk', 'jku', 'x5c', 'x5u'];

/**
 * The header of a token, which nobody has checked yet: good for choosing a key and for refusing, never for believing.
 * It comes before any key is fetched, so that rubbish costs the portal nothing.
 */
export function peekHeader(token, algorithms) {
  const decoded = typeof token === 'string' && token.length <= CHARS_MAX ? decode(token) : null;
  if (decoded === null || !decoded.signature) throw new Refused('token-malformed', 'not a signed token');
  const { header } = decoded;
  if (!algorithms.includes(header.alg)) throw new Refused('alg-refused', 'the algorithm is not one of ours');
  const refused = HEADERS_REFUSED.find((name) => Object.hasOwn(header, name));
  if (refused) throw new Refused('alg-refused', `a token with the header ${refused} is not taken`);
  return header;
}

function decode(token) {
  try {
    return jwt.decode(token, { complete: true });
  } catch {
    return null; // jsonwebtoken lets errors of JSON.parse through
  }
}

/** The payload of a token whose signature is that of `key`; the algorithm is ours to name, not the token's. */
export function verifyToken(token, key, algorithm, { issuer } = {}) {
  let payload;
  try {
    payload = jwt.verify(token, key, { algorithms: [algorithm], issuer, clockTolerance: CLOCK_SKEW_S });
  } catch (error) {
    const expired = error instanceof jwt.TokenExpiredError;
    throw new Refused(expired ? 'token-expired' : 'signature-mismatch', error.message);
  }
  if (payload === null || typeof payload !== 'object') throw new Refused('token-malformed', 'the payload is no object');
  return payload;
}
