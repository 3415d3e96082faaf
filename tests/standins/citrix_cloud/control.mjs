// The test's own door: another port than the product's, plain HTTP on loopback, so that the server under test can be "down".
import http from 'node:http';
import { json } from './citrix.mjs';
import { plannedFaults, setFaults } from './faults.mjs';
import { knobs, resetKnobs, setKnobs } from './knobs.mjs';
import * as ledger from './ledger.mjs';
import { liveRefreshTokens } from './storage.mjs';

const stats = () => ({ ...ledger.counts, revoked_grants: ledger.revokedGrants.size, live_refresh_tokens: liveRefreshTokens() });

async function reset(front) {
  resetKnobs();
  setFaults([]);
  ledger.reset();
  await front.listen();
  return {};
}

const routes = (front) => ({
  'GET /__ctl/stats': stats,
  'GET /__ctl/calls': () => ledger.calls,
  'GET /__ctl/issued': () => ledger.issued,
  'GET /__ctl/knobs': () => knobs,
  'PUT /__ctl/knobs': setKnobs,
  'GET /__ctl/faults': plannedFaults,
  'PUT /__ctl/faults': setFaults,
  'PUT /__ctl/listening': async (on) => { await (on ? front.listen() : front.close()); return on; },
  'POST /__ctl/reset': () => reset(front),
});

/** Start the control server on a free port; `front` is the product's side, with `listen()` and `close()`. Returns its URL. */
export async function startControl(front) {
  const table = routes(front);
  const server = http.createServer(async (req, res) => {
    const route = table[`${req.method} ${req.url}`];
    if (!route) { json(res, 404, { error: 'no such control' }); return; }
    try {
      let body = '';
      for await (const chunk of req) body += chunk;
      json(res, 200, await route(body ? JSON.parse(body) : undefined));
    } catch (error) {
      json(res, 400, { error: String(error) });
    }
  });
  server.keepAliveTimeout = 0; // else a connection may end at the moment in which the test uses it again
  await new Promise((ok) => { server.listen(0, '127.0.0.1', ok); });
  return `http://127.0.0.1:${server.address().port}`;
}
