// Starts the sidecar and then the backend, for `coinslot check` and for trying out: node start.js [command of coinslot]
//
// In production the two are started by whatever starts your services. The token is made here and told to nobody else.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const [program = 'coinslot', ...first] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), 'node-sidecar-'));
const token = randomBytes(24).toString('base64url');
const options = ['--portal', 'jogos', '--portal', 'playgama', '--port', '0', '--processes', process.platform === 'win32' ? '1' : '2'];
const sidecar = spawn(program, [...first, 'verifier', ...options, '--ledger', `sqlite:///${join(folder, 'ledger.sqlite')}`], {
  env: { ...process.env, COINSLOT_VERIFIER_TOKEN: token },
  stdio: ['ignore', 'pipe', 'inherit'],
});

let ending = false;
function end(code) {
  ending = true;
  process.exitCode = code;
  sidecar.kill('SIGTERM');
}

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end(0));
sidecar.on('error', (error) => {
  console.error(`cannot start ${program}: ${error.message}`);
  process.exit(2);
});
sidecar.on('exit', (code) => {
  rmSync(folder, { recursive: true, force: true });
  if (!ending) console.error(`the sidecar ended with ${code}`);
  process.exit(ending ? process.exitCode : 2);
});
createInterface({ input: sidecar.stdout }).once('line', async (line) => {
  process.env.COINSLOT_VERIFIER_URL = JSON.parse(line).url;
  process.env.COINSLOT_VERIFIER_TOKEN = token;
  await import('./server.js');
});
