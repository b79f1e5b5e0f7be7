// The routes: take bytes, call what decides, send the answer.

import express from 'express';

import { bugs } from './bugs.js';
import { Refused, Undecided } from './errors.js';
import { parseObject } from './fields.js';
import { listOrders } from './jogos_api.js';
import { readNotice, replyFor } from './jogos_notice.js';
import { verifyUserToken } from './jogos_user.js';

const BODY_MAX = '1mb';

export function createApp({ settings, store, outbox, sessions, purchases }) {
  const app = express();
  app.disable('x-powered-by');
  // every body as the bytes that came, whatever the content type: a signature covers bytes. inflate: false, because
  // they are signed as sent
  app.use(express.raw({ type: () => true, limit: BODY_MAX, inflate: false }));
  app.get('/health', (request, response) => response.json({ ok: true }));
  addJogos(app, { settings, store, outbox, sessions });
  if (purchases) addPlaygama(app, { settings, store, sessions, purchases });
  addTestRoutes(app, { settings, store, outbox, purchases });
  app.use((request, response) => response.status(404).json({ error: 'not-found' }));
  app.use(answerError);
  return app;
}

function addJogos(app, { settings, store, outbox, sessions }) {
  const { jogos, bug } = settings;

  app.post('/login/jogos', async (request, response) => {
    const { token } = members(request); // and nothing else that the client may have sent along
    try {
      const { userId } = await verifyUserToken(token, jogos, bugs[bug]);
      response.json({ user: { id: userId }, session: sessions.open(userId) });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      response.status(401).json({ error: error.code });
    }
  });

  app.post('/jogos/notify', (request, response) => {
    const reply = takeNotice(request, { settings, store });
    response.once('close', () => outbox.wake()); // after the answer, also where the portal no longer waits for it
    response.status(reply.status).json(reply.body);
  });
}

/** Check, grant or revoke, and only then say so. */
function takeNotice(request, { settings, store }) {
  try {
    const signatures = request.headersDistinct.authorization ?? [];
    const notice = readNotice(signatures, body(request), settings.jogos);
    if (notice.kind === 'pay' && !notice.refunded) {
      checkProduct(notice.productId, settings.products.jogos);
      store.grant({ portal: 'jogos', ...notice });
    } else if (notice.refunded) {
      // refunding, failed and rejected refunds (0, 2, 3) take nothing
      store.revoke({ portal: 'jogos', ...notice });
    }
    return replyFor(null);
  } catch (error) {
    console.error(`notification: ${error.code ?? error.name}: ${error.message}`);
    return replyFor(error);
  }
}

/** Not acknowledged, so the portal asks again and lists the order until somebody puts the product on sale. */
function checkProduct(productId, products) {
  if (!products.has(productId)) throw new Refused('product-unknown', 'we sell no such product');
}

function addPlaygama(app, { settings, store, sessions, purchases }) {
  const loggedIn = (request, response, next) => {
    response.locals.userId = sessions.userOf(request.headers.authorization);
    if (response.locals.userId === null) throw new Refused('session-invalid', 'log in first');
    next();
  };

  // before the client opens a purchase: the externalId that it must pass to the portal
  app.post('/playgama/intents', loggedIn, (request, response) => {
    const { productId } = members(request);
    checkProduct(productId, settings.products.playgama);
    response.json({ externalId: store.mintIntent(response.locals.userId, productId) });
  });

  app.post('/playgama/purchase', loggedIn, async (request, response) => {
    const { jwt, externalId } = members(request);
    const productId = await purchases.submit({ token: jwt, externalId, userId: response.locals.userId });
    if (productId === null) response.status(202).json({ status: 'pending' });
    else response.json({ status: 'granted', productId });
  });
}

/** For `coinslot check`; keep them out of reach of players, and run the sync from a timer instead. */
function addTestRoutes(app, { settings, store, outbox, purchases }) {
  app.get('/test/inventory', (request, response) => {
    response.json({ items: store.inventory(String(request.query.user ?? '')) });
  });

  app.post('/test/jogos/sync', async (request, response) => {
    try {
      const orders = await syncOrders({ settings, store });
      await purchases?.checkAgain();
      response.json({ orders });
    } finally {
      outbox.wake();
    }
  });
}

/** Make up for every notification that was lost: grant, revoke or report again what the portal lists. */
export async function syncOrders({ settings, store }) {
  const listedAtMs = Date.now();
  let count = 0;
  for await (const { orderId, userId, productId, refunded, arrived } of listOrders(settings.jogos)) {
    count += 1;
    const order = { portal: 'jogos', orderId, userId, productId };
    if (refunded) {
      store.revoke(order);
    } else if (!settings.products.jogos.has(productId)) {
      console.error(`getOrders: order ${orderId} is of a product that we do not sell: ${productId}`);
    } else if (store.grant({ ...order, confirmed: arrived }) === 'already-granted' && !arrived) {
      store.reopen('jogos', orderId, listedAtMs);
    }
  }
  return count;
}

/** express.raw leaves no body where none was sent. */
const body = (request) => (Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0));

/** The members of a JSON object, none for any bytes that hold no such thing. */
function members(request) {
  try {
    return parseObject(body(request));
  } catch {
    return {};
  }
}

const STATUS = { 'session-invalid': 401, 'token-malformed': 400, 'product-unknown': 400, 'portal-refused': 502 };

/** Every error as JSON. Refused is the sender's fault; Undecided and whatever we did not foresee are not. */
function answerError(error, request, response, next) {
  if (response.headersSent) return next(error);
  if (error instanceof Undecided) {
    return response.status(503).set('Retry-After', '1').json({ error: error.code });
  }
  if (error instanceof Refused) return response.status(STATUS[error.code] ?? 403).json({ error: error.code });
  if (error.status >= 400 && error.status < 500) {
    return response.status(error.status).json({ error: 'request-invalid' }); // express: too large, aborted, …
  }
  console.error(error);
  return response.status(503).json({ error: 'system-error' });
}
