// A game's backend for Jogos and Playgama that verifies nothing itself: it asks `coinslot verifier`. Copy it.
//
//   COINSLOT_VERIFIER_URL=http://127.0.0.1:7713 COINSLOT_VERIFIER_TOKEN=... node server.js
//
// What a player's client or a portal sent goes to the sidecar as it came; whatever it answers is final. PORT is where
// this backend listens (0 = any free one).

import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

import { Refused, Sidecar, Undecided } from './sidecar.js';

const BODY_BYTES_MAX = 1024 * 1024;
const OUTBOX_EVERY_MS = 1_000;
/** What this game sells, by portal. */
const PRODUCTS = { jogos: ['1002', '1003', '1004'], playgama: ['gems_100', 'gems_200'] };
/** Sent where not even the sidecar can be asked: the portal shall notify again. */
const LATER = { status: 503, headers: [['Content-Type', 'application/json']], body: '{"code":"500","msg":"System error"}' };

const required = (name) => process.env[name] || stop(`${name} is not set`);
const sidecar = new Sidecar({ url: required('COINSLOT_VERIFIER_URL'), token: required('COINSLOT_VERIFIER_TOKEN') });
const sessions = new Map(); // secret -> user id

const ROUTES = {
  'GET /health': () => json(200, { ok: true }),
  'POST /login/jogos': logIn,
  'POST /jogos/notify': takeNotification,
  'POST /playgama/intents': openPurchase,
  'POST /playgama/purchase': buy,
  // for `coinslot check`; keep them out of reach of players, and run the sync from a timer
  'GET /test/inventory': inventory,
  'POST /test/jogos/sync': sync,
};

/** jogos:user.3 — the token as the client sent it; the user is the sidecar's word alone. */
async function logIn({ body }) {
  const { user_id: id } = await sidecar.post('jogos', 'identity', { token: members(body).token });
  const session = randomBytes(24).toString('base64url');
  sessions.set(session, id);
  return json(200, { user: { id }, session });
}

/** jogos:iap.1, jogos:iap.4 — bytes and headers as they came; checked, granted or revoked, and answered in one call. */
async function takeNotification({ body, pairs }) {
  const call = { body_b64: body.toString('base64'), headers: pairs, products: PRODUCTS.jogos };
  try {
    return portalReply((await sidecar.post('jogos', 'notification', call)).reply);
  } catch (error) {
    console.error(`notification: ${error.code}`);
    if (!(error instanceof Refused)) throw error;
    return error.problem.reply ? portalReply(error.problem.reply) : LATER;
  }
}

/** Before the client opens a purchase: the externalId that it must pass to the portal. */
async function openPurchase({ body, headers }) {
  const userId = userOf(headers);
  const { productId } = members(body);
  if (!PRODUCTS.playgama.includes(productId)) return json(400, { error: 'product-unknown' });
  const { external_id: externalId } = await sidecar.post('playgama', 'intents', { user_id: userId, product_id: productId });
  return json(200, { externalId });
}

/** playgama:practice — genuine, this player's, paid, and granted once; the product is that of the intent. */
async function buy({ body, headers }) {
  const userId = userOf(headers);
  const { jwt, externalId } = members(body);
  try {
    const call = { jwt, external_id: externalId, user_id: userId };
    const { outcome, settlement } = await sidecar.post('playgama', 'purchase', call);
    if (outcome === 'refunded-before') return json(403, { error: 'refunded' });
    return json(200, { status: 'granted', productId: settlement.product_id });
  } catch (error) {
    if (error.code !== 'purchase-not-paid') throw error;
    return json(202, { status: 'pending' }); // not yet, or not any more: the same purchase may be sent again
  }
}

async function inventory({ query }) {
  const userId = query.get('user') ?? '';
  const held = await Promise.all(Object.keys(PRODUCTS).map((portal) => sidecar.items(portal, userId)));
  return json(200, { items: held.flat().map(({ product_id: productId, quantity: qty }) => ({ productId, qty })) });
}

/** Make up for what was lost: notifications by Jogos' list, refunds of Playgama by asking about each purchase again. */
async function sync() {
  try {
    const orders = await settleList();
    await sidecar.post('playgama', 'ledger/reconcile', { every_s: 0 }); // a real one leaves every_s out: once a day
    return json(200, { orders });
  } finally {
    reportDelivered();
  }
}

/** Jogos' list in as many runs as it takes: each says where the next goes on. The number of orders on it. */
async function settleList() {
  let orders = 0;
  for (let from = 0; from !== null; ) {
    const run = await sidecar.post('jogos', 'ledger/reconcile', { products: PRODUCTS.jogos, from_order: from });
    for (const order of run.skipped) console.error(`order ${order.order_id}: we sell no product ${order.product_id}`);
    if (run.code !== null) throw new Undecided(run.code); // `changes` holds what was changed before, to whom it matters
    orders += run.orders;
    from = run.next_order;
  }
  return orders;
}

let reporting = null;
let again = false;

/** Tell Jogos what was delivered: after the answer to its notification, one run at a time, and from a timer. */
function reportDelivered() {
  again = true;
  reporting ??= (async () => {
    while (again) {
      again = false;
      await sidecar.post('jogos', 'ledger/outbox/run').catch((error) => console.error(`outbox: ${error.code}`));
    }
    reporting = null;
  })();
}

const json = (status, value) => ({
  status,
  headers: [['Content-Type', 'application/json']],
  body: JSON.stringify(value),
});

const portalReply = ({ status, headers, body_b64: body }) => ({ status, headers, body: Buffer.from(body, 'base64') });

/** The player of `Authorization: Bearer <session>`. */
function userOf({ authorization }) {
  const userId = sessions.get(/^Bearer ([\w-]+)$/i.exec(authorization ?? '')?.[1]);
  if (userId === undefined) throw new Refused('session-invalid');
  return userId;
}

/** The members of a JSON object, none for any bytes that hold no such thing. */
function members(body) {
  try {
    return JSON.parse(body.toString('utf8')) ?? {};
  } catch {
    return {};
  }
}

const STATUS = { 'session-invalid': 401, 'body-too-large': 413 };

function answerError(error, path) {
  if (error instanceof Undecided) return { ...json(503, { error: error.code }), retryAfter: '1' };
  if (!(error instanceof Refused)) {
    console.error(error);
    return json(503, { error: 'system-error' });
  }
  return json(STATUS[error.code] ?? (path.startsWith('/login/') ? 401 : 403), { error: error.code });
}

async function readBody(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= BODY_BYTES_MAX) chunks.push(chunk);
  }
  if (size > BODY_BYTES_MAX) throw new Refused('body-too-large');
  return Buffer.concat(chunks);
}

/** [name, value] of every header, repeated ones repeated: two signatures are one too many, and the sidecar sees both. */
function pairsOf({ rawHeaders }) {
  const pairs = [];
  for (let at = 0; at < rawHeaders.length; at += 2) pairs.push([rawHeaders[at], rawHeaders[at + 1]]);
  return pairs;
}

async function answer(request) {
  const { pathname, searchParams: query } = new URL(request.url, 'http://backend');
  try {
    const body = await readBody(request);
    const route = ROUTES[`${request.method} ${pathname}`];
    if (route === undefined) return json(404, { error: 'not-found' });
    return await route({ body, query, headers: request.headers, pairs: pairsOf(request) });
  } catch (error) {
    return answerError(error, pathname);
  }
}

const server = createServer(async (request, response) => {
  const reply = await answer(request);
  if (request.url.startsWith('/jogos/notify')) response.once('close', reportDelivered);
  for (const [name, value] of reply.headers) response.setHeader(name, value);
  if (reply.retryAfter) response.setHeader('Retry-After', reply.retryAfter);
  response.writeHead(reply.status).end(reply.body);
});

server.on('error', (error) => stop(error.message));
server.listen(Number(process.env.PORT || 8080), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
  setInterval(reportDelivered, OUTBOX_EVERY_MS).unref(); // what was granted before a crash, and what is due again
});

function stop(message) {
  console.error(`cannot start: ${message}`);
  process.exit(2);
}
