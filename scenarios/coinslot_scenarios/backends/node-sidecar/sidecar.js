// Asks `coinslot verifier`. Nothing here judges anything: the answer is done, refused for good, or not decided yet.

const TIMEOUT_MS = 30_000;

/** The input is wrong, finally; `code` says why, `problem` is the whole answer. */
export class Refused extends Error {
  constructor(code, problem = {}) {
    super(code);
    this.code = code;
    this.problem = problem;
  }
}

/** Nothing was decided: the same question may be asked again. */
export class Undecided extends Refused {}

export class Sidecar {
  #url;
  #token;

  constructor({ url, token }) {
    this.#url = url.replace(/\/+$/, '');
    this.#token = token;
  }

  /** POST to a portal's call; the answer's JSON. Throws Refused or Undecided. */
  post(portal, call, body = {}) {
    return this.#ask('POST', `/v1/${portal}/${call}`, JSON.stringify(body));
  }

  /** What a player was granted and still has: [{product_id, quantity}]. */
  async items(portal, userId) {
    const { items } = await this.#ask('GET', `/v1/${portal}/players/${encodeURIComponent(userId)}/items`);
    return items;
  }

  async #ask(method, path, body) {
    const headers = { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/json' };
    const { status, answer } = await this.#exchange(method, path, headers, body);
    if (status >= 200 && status < 300) return answer;
    const Kind = status === 422 ? Refused : Undecided; // any other status is our mistake or an outage: decide nothing
    throw new Kind(answer.code ?? 'sidecar-failed', answer);
  }

  async #exchange(method, path, headers, body) {
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const response = await fetch(this.#url + path, { method, headers, body, redirect: 'error', signal });
      return { status: response.status, answer: await response.json() };
    } catch (error) {
      throw new Undecided('sidecar-unreachable', { detail: error.cause?.code ?? error.message });
    }
  }
}
