// Playgama's purchase: is it genuine, whose is it, and is it paid? (playgama:3.A, playgama:3.B, playgama:practice)

import { Refused, Undecided } from './errors.js';
import { parseObject, text } from './fields.js';
import { exchange } from './http_out.js';
import { KeySet } from './playgama_keys.js';
import { peekHeader, verifyToken } from './tokens.js';

const ALGORITHMS = ['RS256', 'ES256']; // asymmetric ones alone: with HS256 the public key would be the secret
const UNAVAILABLE = 'verify-unavailable';

export class Purchases {
  #url;
  #keySet;
  #store;

  constructor({ url, keyCacheMs }, store) {
    this.#url = url;
    this.#keySet = new KeySet({ url, keyCacheMs });
    this.#store = store;
  }

  /**
   * Grant what a purchase token stands for.
   *
   * user         who is logged in; a token names no player, so it is our intent that does
   * externalId   what the client claims, or undefined; only compared, never trusted
   * returns      the product, also for a repetition; null where the portal does not confirm it (yet)
   * throws       Refused; Undecided: nothing was decided, the client shall submit the purchase again
   */
  async submit({ token, externalId, userId }) {
    const order = await this.#verifyToken(token);
    const { productId } = this.#intentOf(order, externalId, userId);
    if (this.#store.findGrant('playgama', order.orderId) === null) {
      // the token says who issued it; only the portal says that it was paid, and still is
      if (!(await this.#isPaid(order))) return null;
      // the product is that of the intent: what the client says it bought is signed by nobody.
      // Eight at once come this far, one is first; for the others this does nothing
      this.#store.grant({ portal: 'playgama', ...order, userId, productId, confirmed: true });
    }
    const grant = this.#store.findGrant('playgama', order.orderId);
    if (grant.userId !== userId) throw new Refused('external-id-mismatch', 'the order is somebody else\'s');
    if (grant.refunded) throw new Refused('refunded', 'the purchase was refunded');
    return grant.productId;
  }

  /** No callback tells of a refund or a chargeback, so ask about everything that was granted. */
  async checkAgain() {
    for (const { orderId, externalId } of this.#store.standingGrants('playgama')) {
      try {
        if (!(await this.#isPaid({ orderId, externalId }))) this.#store.revoke({ portal: 'playgama', orderId });
      } catch (error) {
        if (!(error instanceof Undecided)) throw error;
        console.error(`verify ${orderId}: ${error.message}; next time`);
      }
    }
  }

  async #verifyToken(token) {
    const header = peekHeader(token, ALGORITHMS);
    const payload = verifyWithAny(token, await this.#keySet.find(header));
    try {
      return { orderId: text(payload, 'orderId'), externalId: text(payload, 'externalId') };
    } catch (error) {
      throw new Refused('token-malformed', `the purchase token cannot be used: ${error.message}`);
    }
  }

  #intentOf(order, externalId, userId) {
    const intent = this.#store.findIntent(order.externalId);
    const isTheirs = intent !== null && intent.userId === userId;
    if (!isTheirs || (externalId ?? order.externalId) !== order.externalId) {
      throw new Refused('external-id-mismatch', 'the purchase was not begun by this player');
    }
    return intent;
  }

  async #isPaid({ orderId, externalId }) {
    const query = new URLSearchParams({ orderId, externalId }); // encoded, so that neither can add a parameter
    const answer = await exchange(`${this.#url}/api/v1/payments/verify?${query}`, { code: UNAVAILABLE });
    const { success } = readAnswer(answer);
    if (success === true && answer.status === 200) return true;
    if (success === false) return false;
    throw new Undecided(UNAVAILABLE, 'the verification says neither yes nor no');
  }
}

/** Only JSON true is a yes and only JSON false is a no: not "true", not 1, not an HTTP status. */
function readAnswer({ status, body }) {
  if (![200, 400, 404].includes(status)) throw new Undecided(UNAVAILABLE, `the verification answered HTTP ${status}`);
  try {
    return parseObject(body);
  } catch {
    throw new Undecided(UNAVAILABLE, 'the verification answered no JSON object');
  }
}

/** A key set may hold one kid twice. */
function verifyWithAny(token, keys) {
  let refusal;
  for (const { key, algorithm } of keys) {
    try {
      return verifyToken(token, key, algorithm);
    } catch (error) {
      refusal = error;
    }
  }
  throw refusal;
}
