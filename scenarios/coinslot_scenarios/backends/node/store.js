// Who was granted what, once per order: an append-only file of JSON lines, and the same facts in memory.
//
// Exactly once rests on two things. Node runs one thing at a time, and `grant` looks up, writes and remembers without
// an await in between, so no second notification can get between look-up and insert. And a record is on the disk
// (fsync) before anybody is told that it exists, so a crash loses nothing that was answered.
// This holds for one process. With several, put orders into a database under a unique constraint on (portal, order)
// and let the constraint decide: looking first and inserting then would grant twice.

import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';

export class Store {
  #file;
  #size = 0;
  #grants = new Map(); // order key -> {portal, orderId, userId, productId}
  #refunds = new Set(); // order keys, of orders that were never granted too
  #ordersOf = new Map(); // user id -> order keys
  #unconfirmed = new Map(); // order key -> order id
  #confirmedAtMs = new Map(); // order key -> time
  #intents = new Map(); // external id -> {userId, productId}
  #sessions = new Map(); // digest -> {userId, endsAtMs}

  constructor(path) {
    this.#file = openSync(path, 'a+');
    const bytes = readFileSync(path);
    // a last line without its end was being written when the power went; nobody was told of it
    this.#size = bytes.lastIndexOf(0x0a) + 1;
    ftruncateSync(this.#file, this.#size);
    const lines = bytes.toString('utf8', 0, this.#size).split('\n').slice(0, -1);
    for (const line of lines) this.#remember(JSON.parse(line));
  }

  close() {
    closeSync(this.#file);
  }

  /**
   * Give the item of a paid order, unless it was given or refunded before.
   *
   * confirmed    there is nothing to report to the portal
   * externalId   what a purchase was opened under, where the portal has such a thing
   * returns      'granted' now, 'already-granted', or 'refunded-before'
   */
  grant({ portal, orderId, userId, productId, externalId, confirmed = false }) {
    const key = orderKey(portal, orderId);
    if (this.#grants.has(key)) return 'already-granted';
    if (this.#refunds.has(key)) return 'refunded-before';
    this.#append({ type: 'grant', portal, orderId, userId, productId, externalId, confirmed });
    return 'granted';
  }

  /**
   * Take the item back from whoever was granted it. A refund that comes before its payment is remembered, so that
   * the late payment grants nothing.
   *
   * returns   'revoked' now, 'already-revoked', or 'remembered'
   */
  revoke({ portal, orderId }) {
    const key = orderKey(portal, orderId);
    if (this.#refunds.has(key)) return 'already-revoked';
    this.#append({ type: 'refund', portal, orderId });
    return this.#grants.has(key) ? 'revoked' : 'remembered';
  }

  /** What was granted for an order, as {userId, productId, refunded, …}, or null. */
  findGrant(portal, orderId) {
    const key = orderKey(portal, orderId);
    const grant = this.#grants.get(key);
    return grant ? { ...grant, refunded: this.#refunds.has(key) } : null;
  }

  /** Every grant at a portal that was not refunded. */
  standingGrants(portal) {
    const standing = ([key, grant]) => grant.portal === portal && !this.#refunds.has(key);
    return [...this.#grants].filter(standing).map(([, grant]) => grant);
  }

  /** What the player holds: granted and not refunded. */
  inventory(userId) {
    const quantities = new Map();
    for (const key of this.#ordersOf.get(userId) ?? []) {
      if (this.#refunds.has(key)) continue;
      const { productId } = this.#grants.get(key);
      quantities.set(productId, (quantities.get(productId) ?? 0) + 1);
    }
    return [...quantities].map(([productId, qty]) => ({ productId, qty }));
  }

  /** Ids of granted orders that the portal has not been told of, or has not acknowledged. */
  unconfirmed() {
    return [...this.#unconfirmed.values()];
  }

  confirm(portal, orderId) {
    this.#append({ type: 'confirmed', portal, orderId, atMs: Date.now() });
  }

  /** The portal does not hold an order for delivered, though it said so before `listedAtMs`: tell it again. */
  reopen(portal, orderId, listedAtMs) {
    if (this.#confirmedAtMs.get(orderKey(portal, orderId)) < listedAtMs) {
      this.#append({ type: 'reopened', portal, orderId });
    }
  }

  /** An id of our own for one purchase, bound to player and product before any money moves. */
  mintIntent(userId, productId) {
    const externalId = randomBytes(18).toString('base64url');
    this.#append({ type: 'intent', externalId, userId, productId });
    return externalId;
  }

  findIntent(externalId) {
    return this.#intents.get(externalId) ?? null;
  }

  addSession(digest, userId, endsAtMs) {
    this.#append({ type: 'session', digest, userId, endsAtMs });
  }

  /** {userId, endsAtMs}, or null. */
  findSession(digest) {
    return this.#sessions.get(digest) ?? null;
  }

  /** To the disk first, then to memory: a full disk throws here, and nothing has happened. */
  #append(record) {
    const line = Buffer.from(`${JSON.stringify(record)}\n`);
    try {
      for (let done = 0; done < line.length; ) done += writeSync(this.#file, line, done);
      fsyncSync(this.#file);
    } catch (error) {
      ftruncateSync(this.#file, this.#size);
      throw error;
    }
    this.#size += line.length;
    this.#remember(record);
  }

  #remember(record) {
    const { userId, productId } = record;
    if (record.type === 'intent') {
      this.#intents.set(record.externalId, { userId, productId });
    } else if (record.type === 'session') {
      this.#sessions.set(record.digest, { userId, endsAtMs: record.endsAtMs });
    } else {
      this.#rememberOrder(record);
    }
  }

  #rememberOrder(record) {
    const key = orderKey(record.portal, record.orderId);
    if (record.type === 'grant') {
      this.#grants.set(key, record);
      if (!this.#ordersOf.has(record.userId)) this.#ordersOf.set(record.userId, []);
      this.#ordersOf.get(record.userId).push(key);
      if (!record.confirmed) this.#unconfirmed.set(key, record.orderId);
    } else if (record.type === 'refund') {
      this.#refunds.add(key);
    } else if (record.type === 'confirmed') {
      this.#unconfirmed.delete(key);
      this.#confirmedAtMs.set(key, record.atMs);
    } else if (record.type === 'reopened') {
      this.#unconfirmed.set(key, record.orderId);
      this.#confirmedAtMs.delete(key);
    }
  }
}

const orderKey = (portal, orderId) => `${portal}/${orderId}`;
