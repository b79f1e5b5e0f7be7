// Jogos' user token: whom does it speak of? (jogos:user.2, jogos:user.3, jogos:user.4)

import { Refused, Undecided } from './errors.js';
import { decimalId, optional, parseObject } from './fields.js';
import { exchange } from './http_out.js';
import { readKeyText } from './keys.js';
import { peekHeader, verifyToken } from './tokens.js';

const ALGORITHM = 'RS256';
const ISSUER = 'com:jogos:sdk';
const UNAVAILABLE = 'key-source-unavailable';

/** The portal's id of the player whom the token proves, as {userId}. */
export async function verifyUserToken(token, { webUrl, gameId }, readUser = readUserFromSub) {
  peekHeader(token, [ALGORITHM]);
  // fetched for every verification, because the portal may change it at any time (jogos:user.2). It is always the
  // portal's: a key that a client sends along proves only that the client has a key.
  const key = await fetchPublicKey(webUrl);
  const payload = verifyToken(token, key, ALGORITHM, { issuer: ISSUER });
  if (payload.exp === undefined) throw new Refused('field-missing', 'the token never expires');
  return readUser(payload, gameId);
}

/** The user is JSON text inside `sub`; the payload around it has no member userId. */
function readUserFromSub(payload, gameId) {
  let user;
  try {
    user = parseObject(typeof payload.sub === 'string' ? payload.sub : '');
    user = { userId: decimalId(user, 'userId'), gameId: decimalId(user, 'gameId') };
  } catch (error) {
    throw new Refused('sub-invalid', `the user in sub cannot be used: ${error.message}`);
  }
  // every game of the portal has tokens under the same key: without this line, another game's players log in here
  if (user.gameId !== gameId) throw new Refused('game-mismatch', 'the token is for another game');
  return user;
}

async function fetchPublicKey(webUrl) {
  const { status, body } = await exchange(`${webUrl}/publicKey.json`, { code: UNAVAILABLE });
  const key = status === 200 ? readKeyText(memberData(body)) : null;
  if (key === null) throw new Undecided(UNAVAILABLE, `publicKey.json holds no usable key (HTTP ${status})`);
  return key;
}

function memberData(body) {
  try {
    return optional(parseObject(body), 'data');
  } catch {
    return null;
  }
}
