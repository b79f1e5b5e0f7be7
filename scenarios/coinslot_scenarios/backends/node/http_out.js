// The one door through which this backend calls others.
//
// A portal that hangs, trickles, sends a gigabyte or redirects to a stranger must cost a few seconds, no more: one
// deadline over the whole exchange, a bounded body, and no redirect is ever followed.

import { Undecided } from './errors.js';

const TIMEOUT_MS = 5_000;
const BODY_BYTES_MAX = 4 * 1024 * 1024;

/**
 * One request, one whole answer: {status, body}. Exactly the given bytes are sent.
 *
 * code   the Undecided code where there is no whole answer
 */
export async function exchange(url, { method = 'GET', headers = {}, body, code }) {
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const response = await fetch(url, { method, headers, body, redirect: 'manual', signal });
    return { status: response.status, body: await readBounded(response) };
  } catch (error) {
    throw new Undecided(code, `no answer: ${error.cause?.code ?? error.message}`);
  }
}

async function readBounded(response) {
  const chunks = [];
  let size = 0;
  for await (const chunk of response.body ?? []) {
    size += chunk.length;
    if (size > BODY_BYTES_MAX) throw new Error(`more than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
