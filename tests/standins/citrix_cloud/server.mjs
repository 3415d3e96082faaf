// A stand-in for Citrix Cloud's authorization server. Started by the Python wrapper with its settings as JSON in the
// environment variable STAND_IN; writes {origin, control, pid} to settings.ready_file when it serves. SIGTERM stops it.
import fs from 'node:fs';

for (const level of ['info', 'log', 'warn']) console[level] = console.error; // one stream: the log
const { startControl } = await import('./control.mjs');
const { Front } = await import('./front.mjs');
const { createProvider } = await import('./provider.mjs');

const settings = JSON.parse(process.env.STAND_IN);
const front = new Front(settings);
await front.listen();
front.serve(createProvider(`${front.origin}/core`, settings.redirect_uris));
const control = await startControl(front);
process.on('SIGTERM', () => process.exit(0)); // all state is in memory: nothing to finish

fs.writeFileSync(`${settings.ready_file}.part`, JSON.stringify({ origin: front.origin, control, pid: process.pid }));
fs.renameSync(`${settings.ready_file}.part`, settings.ready_file);
