// Playgama's key set: which keys may have signed a token that names this kid? (playgama:2, playgama:3.A)

import { setTimeout as sleep } from 'node:timers/promises';

import { Refused, Undecided } from './errors.js';
import { parseObject } from './fields.js';
import { exchange } from './http_out.js';
import { readJwk } from './keys.js';

const UNAVAILABLE = 'key-source-unavailable';
const COOL_DOWN_MS = 1_000;

/**
 * The set is kept for a while. A kid that it lacks may be a key that was published since, so the set is fetched
 * again; but anybody can invent kids, so this happens at most once per second, and all who wait share the fetch.
 */
export class KeySet {
  #url;
  #cacheMs;
  #keys = [];
  #fetchedAtMs = -Infinity;
  #refetchedAtMs = -Infinity;
  #fetching = null;
  #refetching = null;

  constructor({ url, keyCacheMs }) {
    this.#url = `${url}/.well-known/jwks.json`;
    this.#cacheMs = keyCacheMs;
  }

  /** Every key of this kid and algorithm, mostly one. Refused where there is none even in a fresh set. */
  async find({ kid, alg }) {
    if (performance.now() - this.#fetchedAtMs >= this.#cacheMs) await this.#fetch();
    let found = this.#matching(kid, alg);
    if (found.length === 0) {
      await this.#refetch();
      found = this.#matching(kid, alg);
    }
    if (found.length === 0) throw new Refused('kid-unknown', 'the portal publishes no such key');
    return found;
  }

  /** A token without a kid is taken only where there is nothing to choose. */
  #matching(kid, alg) {
    const usable = this.#keys.filter((key) => key.algorithm === alg);
    if (kid === undefined) return usable.length === 1 ? usable : [];
    return usable.filter((key) => key.kid !== null && key.kid === kid);
  }

  #refetch() {
    this.#refetching ??= this.#refetchAfterCoolDown();
    return this.#refetching;
  }

  async #refetchAfterCoolDown() {
    await sleep(Math.max(0, this.#refetchedAtMs + COOL_DOWN_MS - performance.now()));
    this.#refetchedAtMs = performance.now();
    this.#refetching = null; // whoever comes from now on may need a set younger than the one on its way
    await this.#fetch({ fresh: true });
  }

  /** Single flight; `fresh` does not join a fetch that began earlier. */
  #fetch({ fresh = false } = {}) {
    if (this.#fetching !== null && !fresh) return this.#fetching;
    const mine = this.#download().finally(() => {
      if (this.#fetching === mine) this.#fetching = null;
    });
    this.#fetching = mine;
    return mine;
  }

  /** Only a set with a key in it replaces the old one: an outage must not empty the cache. */
  async #download() {
    const startedAtMs = performance.now();
    const { status, body } = await exchange(this.#url, { code: UNAVAILABLE });
    const keys = status === 200 ? readKeySet(body) : [];
    if (keys.length === 0) throw new Undecided(UNAVAILABLE, `no usable key in the key set (HTTP ${status})`);
    if (startedAtMs < this.#fetchedAtMs) return; // a younger set has come meanwhile
    this.#keys = keys;
    this.#fetchedAtMs = startedAtMs;
  }
}

function readKeySet(body) {
  try {
    const { keys } = parseObject(body);
    return Array.isArray(keys) ? keys.map(readJwk).filter((key) => key !== null) : [];
  } catch {
    return [];
  }
}
