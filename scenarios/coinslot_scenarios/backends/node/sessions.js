// Our own sessions. A portal's token is exchanged for one at login and not kept: it is short-lived, and not ours.

import { createHash, randomBytes } from 'node:crypto';

const LIFETIME_MS = 12 * 3_600_000;

export class Sessions {
  #store;

  constructor(store) {
    this.#store = store;
  }

  /** A new session of this player; the secret is given away once and only its digest is kept. */
  open(userId) {
    const secret = randomBytes(24).toString('base64url');
    this.#store.addSession(digest(secret), userId, Date.now() + LIFETIME_MS);
    return secret;
  }

  /** The player of `Authorization: Bearer <session>`, or null. */
  userOf(authorization) {
    const secret = /^Bearer ([\w-]+)$/i.exec(authorization ?? '')?.[1];
    const session = secret ? this.#store.findSession(digest(secret)) : null;
    return session !== null && session.endsAtMs > Date.now() ? session.userId : null;
  }
}

// looked up by digest, so that the time of a look-up tells nothing of a secret
const digest = (secret) => createHash('sha256').update(secret).digest('base64');
