// Reading what others send: bytes to a JSON object, members to values that the rest of the program may trust.
//
// Portals write one id now as a number, now as a string. Here every id becomes decimal text, once and for all:
// otherwise 257 and "257" are two players.

import { Refused } from './errors.js';

const INT64_MAX = 2n ** 63n - 1n;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Bytes or text to a JSON object; anything else is Refused. */
export function parseObject(input) {
  let value;
  try {
    value = JSON.parse(typeof input === 'string' ? input : utf8.decode(input));
  } catch {
    throw new Refused('field-invalid', 'not JSON in UTF-8');
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Refused('field-invalid', 'not a JSON object');
  }
  return value;
}

/** The member's value; absent, null and "" are one thing: missing. */
export function required(fields, name) {
  const value = optional(fields, name);
  if (value === null) throw new Refused('field-missing', `${name} is missing`);
  return value;
}

/** The member's value, or null where it is missing. */
export function optional(fields, name) {
  const value = Object.hasOwn(fields, name) ? fields[name] : null;
  return value === '' ? null : value;
}

/**
 * An id as decimal text, whether it came as a number or as its digits. JSON.parse has already rounded a number
 * beyond 2^53, so such a number is refused: it might be somebody else. " 257" and "0257" are not 257 either.
 */
export function decimalId(fields, name) {
  const value = required(fields, name);
  if (Number.isSafeInteger(value) && value >= 0) return String(value);
  if (typeof value === 'string' && /^(0|[1-9][0-9]{0,18})$/.test(value) && BigInt(value) <= INT64_MAX) return value;
  throw new Refused('field-invalid', `${name} is not a whole number`);
}

/** An opaque, case-sensitive string; never trimmed, never folded. */
export function text(fields, name, charsMax = 255) {
  const value = required(fields, name);
  // no control characters, no half surrogates: what is stored must come back the same
  if (typeof value !== 'string' || value.length > charsMax || /[\u0000-\u001f]|\p{Cs}/u.test(value)) {
    throw new Refused('field-invalid', `${name} is not a string of 1 to ${charsMax} characters`);
  }
  return value;
}

/** A whole number from 0: a time in seconds, a status. */
export function wholeNumber(fields, name) {
  const value = required(fields, name);
  if (!Number.isSafeInteger(value) || value < 0) throw new Refused('field-invalid', `${name} is not a whole number`);
  return value;
}

/** 0 refunding, 1 refunded, 2 failed, 3 rejected, null for none. */
export function refundStatus(fields) {
  const value = optional(fields, 'refundStatus');
  if (![null, 0, 1, 2, 3].includes(value)) throw new Refused('field-invalid', 'refundStatus is not 0 to 3');
  return value;
}
