// Tells the portal of delivered orders, after the answer to its notification and for as long as it takes.
//
// What is still to be told is in the store, so a crash between grant and report only delays the report. A report
// inside the notification's request would make the portal wait for itself.

const ACTIVE_MAX = 8;
const FIRST_WAIT_MS = 500;
const WAIT_MAX_MS = 60_000;

export class Outbox {
  #unconfirmed;
  #deliver;
  #taken = new Set();
  #queue = [];
  #active = 0;

  /**
   * unconfirmed   () -> ids of orders to be reported
   * deliver       order id -> promise; reports the order and records that
   */
  constructor({ unconfirmed, deliver }) {
    this.#unconfirmed = unconfirmed;
    this.#deliver = deliver;
  }

  /** Something may have been granted. */
  wake() {
    for (const orderId of this.#unconfirmed()) {
      if (this.#taken.has(orderId)) continue;
      this.#taken.add(orderId);
      this.#queue.push({ orderId, attempt: 1 });
    }
    this.#work();
  }

  #work() {
    while (this.#active < ACTIVE_MAX && this.#queue.length > 0) {
      this.#active += 1;
      this.#attempt(this.#queue.shift()).finally(() => {
        this.#active -= 1;
        this.#work();
      });
    }
  }

  async #attempt({ orderId, attempt }) {
    try {
      await this.#deliver(orderId);
      this.#taken.delete(orderId);
    } catch (error) {
      const waitMs = Math.min(FIRST_WAIT_MS * 2 ** (attempt - 1), WAIT_MAX_MS);
      console.error(`arrivedorder ${orderId}: ${error.message}; again in ${waitMs} ms`);
      setTimeout(() => {
        this.#queue.push({ orderId, attempt: attempt + 1 });
        this.#work();
      }, waitMs).unref();
    }
  }
}
