// A game's backend for Jogos and Playgama in Node. Copy it: this folder is the whole of it.
//
//   npm ci && node server.js
//
// It reads JOGOS_WEB_URL, JOGOS_API_URL, JOGOS_GAME_ID, JOGOS_SHARED_KEY, PLAYGAMA_URL, PORT (0 = any free one) and
// JOURNAL_FILE (by default a temporary file that is removed at the end).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { createApp } from './app.js';
import { reportDelivered } from './jogos_api.js';
import { Outbox } from './outbox.js';
import { Purchases } from './playgama.js';
import { Sessions } from './sessions.js';
import { readSettings, SettingsInvalid } from './settings.js';
import { Store } from './store.js';

function main() {
  const settings = readSettings(process.env);
  const store = new Store(settings.journalFile ?? temporaryFile());
  const outbox = new Outbox({
    unconfirmed: () => store.unconfirmed(),
    deliver: async (orderId) => {
      await reportDelivered(orderId, settings.jogos);
      store.confirm('jogos', orderId);
    },
  });
  const purchases = settings.playgama && new Purchases(settings.playgama, store);
  const app = createApp({ settings, store, outbox, sessions: new Sessions(store), purchases });
  const server = app.listen(settings.port, '127.0.0.1', (error) => {
    if (error) stop(`cannot listen on port ${settings.port}: ${error.message}`);
    console.log(`http://127.0.0.1:${server.address().port}`);
    outbox.wake(); // what was granted before a crash and not yet reported
  });
}

function temporaryFile() {
  const folder = mkdtempSync(join(tmpdir(), 'node-backend-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  // no clean-up beyond this is needed at the end: everything that was answered is on the disk
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(0));
  return join(folder, 'journal.jsonl');
}

function stop(message) {
  console.error(`cannot start: ${message}`);
  process.exit(2);
}

try {
  main();
} catch (error) {
  stop(error instanceof SettingsInvalid ? error.message : (error.code ?? String(error)));
}
