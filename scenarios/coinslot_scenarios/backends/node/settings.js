// What the environment says, read once and nowhere else. Addresses of a portal are never written into code: test and
// production have hosts of their own (jogos:iap.env).

import { bugs } from './bugs.js';

/** What this game sells, by portal; an order of anything else is not acknowledged. */
const PRODUCTS = {
  jogos: new Set(['1002', '1003', '1004']),
  playgama: new Set(['gems_100', 'gems_200']),
};

export class SettingsInvalid extends Error {}

export function readSettings(env) {
  const bug = env.COINSLOT_BUG || null;
  if (bug !== null && !Object.hasOwn(bugs, bug)) {
    throw new SettingsInvalid(`COINSLOT_BUG=${bug} is unknown; known are: ${Object.keys(bugs).join(', ')}`);
  }
  return {
    port: wholeNumber(env, 'PORT', '8080'),
    journalFile: env.JOURNAL_FILE || null,
    products: PRODUCTS,
    jogos: {
      webUrl: address(env, 'JOGOS_WEB_URL'),
      apiUrl: address(env, 'JOGOS_API_URL'),
      gameId: gameId(env),
      sharedKey: Buffer.from(required(env, 'JOGOS_SHARED_KEY'), 'utf8'),
    },
    // without the address this game is not on Playgama, and its routes do not exist
    playgama: env.PLAYGAMA_URL
      ? { url: address(env, 'PLAYGAMA_URL'), keyCacheMs: 1000 * wholeNumber(env, 'PLAYGAMA_KEY_CACHE_S', '300') }
      : null,
    bug,
  };
}

function required(env, name) {
  if (!env[name]) throw new SettingsInvalid(`${name} is not set`);
  return env[name];
}

function address(env, name) {
  const value = required(env, name);
  if (!URL.canParse(value) || !/^https?:$/.test(new URL(value).protocol)) {
    throw new SettingsInvalid(`${name} is no http or https address`);
  }
  return value.replace(/\/+$/, '');
}

function gameId(env) {
  const value = required(env, 'JOGOS_GAME_ID');
  if (!/^(0|[1-9][0-9]*)$/.test(value) || !Number.isSafeInteger(Number(value))) {
    throw new SettingsInvalid('JOGOS_GAME_ID is not decimal digits');
  }
  return value;
}

function wholeNumber(env, name, otherwise) {
  const value = env[name] || otherwise;
  if (!/^[0-9]{1,9}$/.test(value)) throw new SettingsInvalid(`${name} is not a whole number`);
  return Number(value);
}
