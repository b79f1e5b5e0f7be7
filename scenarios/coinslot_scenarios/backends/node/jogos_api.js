// What we tell and ask Jogos: an order was delivered; which orders are paid? (jogos:iap.2, jogos:iap.3)

import { Refused, Undecided } from './errors.js';
import { decimalId, optional, parseObject, refundStatus, text } from './fields.js';
import { exchange } from './http_out.js';
import { sign } from './jogos_notice.js';

const PAGE_SIZE = 100;
const PAGES_MAX = 10_000;
const UNAVAILABLE = 'confirm-unavailable';

/** Report an order as delivered; resolves where the portal said yes. Repeating it is harmless. */
export async function reportDelivered(orderId, jogos) {
  const answer = await post('/api/gamepay/webhook/arrivedorder', { gameId: Number(jogos.gameId), orderId }, jogos);
  checkCode(answer, ['200', 200]);
}

/**
 * Every paid order that the portal lists, each once, page by page.
 *
 * An order that is paid while we read pushes rows to the next page, so a row may come twice. Table and example of the
 * document disagree about the answer's shape; both are read.
 */
export async function* listOrders(jogos) {
  const seen = new Set();
  let pageSize = PAGE_SIZE;
  for (let pageNo = 1; pageNo <= PAGES_MAX; pageNo += 1) {
    const fields = { gameId: Number(jogos.gameId), pageNo, pageSize };
    const answer = await post('/api/gamepay/getOrders', fields, jogos);
    checkCode(answer, ['200', 200, 'SUCCESS']);
    const page = answer.page ?? answer;
    const rows = page.content ?? [];
    if (!Array.isArray(rows)) throw new Undecided(UNAVAILABLE, 'the list of orders cannot be read');
    for (const order of rows.map(readRow)) {
      if (order === null || seen.has(order.orderId)) continue;
      seen.add(order.orderId);
      yield order;
    }
    if (rows.length === 0 || pageNo >= page.totalPage) return;
    // the portal may give less than we ask for; its own size decides where the next page begins
    if (Number.isSafeInteger(page.pageSize) && page.pageSize > 0) pageSize = page.pageSize;
  }
  throw new Undecided(UNAVAILABLE, `more than ${PAGES_MAX} pages of orders`);
}

/** One row, or null where it cannot be used: one odd row must not hide all others. */
function readRow(row) {
  try {
    return {
      orderId: text(row, 'orderId'),
      userId: decimalId(row, 'userId'),
      productId: text(row, 'productId'),
      refunded: refundStatus(row) === 1,
      arrived: optional(row, 'arrivedStatus') === 1,
    };
  } catch (error) {
    console.error(`getOrders: a row is left out: ${error.message}`);
    return null;
  }
}

async function post(path, fields, { apiUrl, sharedKey }) {
  const body = Buffer.from(JSON.stringify(fields)); // written once: these bytes are signed, and these are sent
  const headers = { 'Content-Type': 'application/json', Authorization: sign(body, sharedKey) };
  const answer = await exchange(apiUrl + path, { method: 'POST', headers, body, code: UNAVAILABLE });
  if (answer.status >= 500) throw new Undecided(UNAVAILABLE, `the portal answered HTTP ${answer.status}`);
  try {
    return parseObject(answer.body);
  } catch {
    throw new Undecided(UNAVAILABLE, `HTTP ${answer.status} without a JSON object`);
  }
}

/** The code in the body decides, not the HTTP status: the document has errors in a 200. */
function checkCode(answer, good) {
  if (good.includes(answer.code)) return;
  const code = String(answer.code).slice(0, 40);
  if (['305', '40001', '41007'].includes(code)) throw new Refused('portal-refused', `the portal answered code ${code}`);
  throw new Undecided(UNAVAILABLE, `the portal answered code ${code}`);
}
