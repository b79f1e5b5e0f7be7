// Jogos' notification: is it genuine, and what does it say? (jogos:iap.1, jogos:iap.4, jogos:iap.sha1)

import { createHash, timingSafeEqual } from 'node:crypto';

import { Refused } from './errors.js';
import { decimalId, optional, parseObject, refundStatus, required, text, wholeNumber } from './fields.js';

const MESSAGES = {
  200: 'Success',
  305: 'Required parameter is missing',
  40001: 'Game not found',
  41007: 'Verification failed',
  500: 'System error',
};
const CODES = {
  'signature-missing': '41007',
  'signature-mismatch': '41007',
  'field-missing': '305',
  'field-invalid': '305',
  'game-mismatch': '40001',
};

/** sha1(body + shared key) over the bytes on the wire: 40 lowercase hex digits. Both directions sign like this. */
export function sign(body, sharedKey) {
  return createHash('sha1').update(body).update(sharedKey).digest('hex');
}

/**
 * The notification that these bytes prove.
 *
 * signatures   every Authorization header of the request: two are one too many
 * body         the bytes as they arrived. Parsing and writing them again gives other bytes and another signature
 */
export function readNotice(signatures, body, { sharedKey, gameId }) {
  checkSignature(signatures, body, sharedKey);
  const fields = parseObject(body);
  const status = refundStatus(fields);
  const notice = {
    kind: kind(fields, status),
    gameId: decimalId(fields, 'gameId'),
    orderId: text(fields, 'orderId'),
    userId: decimalId(fields, 'userId'),
    productId: text(fields, 'productId'),
    refunded: status === 1,
  };
  // required by the document, though we need none of them: arrivedStatus is what the portal believes, and our own
  // journal knows better; a grant never depends on a time
  for (const name of ['arrivedStatus', 'createTime', 'payTime']) wholeNumber(fields, name);
  if (notice.gameId !== gameId) throw new Refused('game-mismatch', 'the notification is about another game');
  return notice;
}

function checkSignature(signatures, body, sharedKey) {
  if (signatures.length === 0 || signatures[0] === '') throw new Refused('signature-missing', 'no signature');
  const sent = Buffer.from(signatures[0], 'latin1');
  const expected = Buffer.from(sign(body, sharedKey), 'latin1');
  // timingSafeEqual throws where lengths differ, and the length is no secret
  if (signatures.length > 1 || sent.length !== expected.length || !timingSafeEqual(sent, expected)) {
    throw new Refused('signature-mismatch', 'the signature does not belong to these bytes');
  }
}

/** pay or refund. The document's example has no paytype: read as a payment unless anything speaks of a refund. */
function kind(fields, status) {
  if (optional(fields, 'paytype') === null && status === null) return 'pay';
  const value = required(fields, 'paytype');
  if (value !== 'pay' && value !== 'refund') throw new Refused('field-invalid', 'paytype is neither pay nor refund');
  return value;
}

/** The documented answer: {status, body}. null says that the notification was taken, for good. */
export function replyFor(error) {
  if (error === null) return reply(200, '200');
  // Undecided, or our disk is full: the portal shall ask again, and a proxy in between shall see it too
  return error instanceof Refused ? reply(200, CODES[error.code] ?? '500') : reply(503, '500');
}

function reply(status, code) {
  return { status, body: { code, msg: MESSAGES[code] } };
}
