// What the server knows happened. Tests judge by this, not by what the client under test claims.
import { createHash } from 'node:crypto';

const CALLS_KEPT = 100_000;

/** First 16 hex digits of SHA-256: enough to follow a token through a log that must not hold it. */
export const fingerprint = (token) => (token ? createHash('sha256').update(token).digest('hex').slice(0, 16) : null);

const blank = () => ({
  token_requests: {}, rotations: 0, replays: 0, grace_reuses: 0, errors: {}, resource_ok: 0, resource_refused: 0,
});
const bump = (counter, key) => { counter[key] = (counter[key] ?? 0) + 1; };

export const counts = blank();
export const revokedGrants = new Set();
export const calls = [];
export const issued = []; // every token value ever made, delivered or not; survives reset
let sequence = 0;

export function reset() {
  Object.assign(counts, blank());
  revokedGrants.clear();
  calls.length = 0;
}

/** Log a token request as it arrives; the entry is completed by `settle` and by the fault that hits it. */
export function open(endpoint, grantType, clientId, refreshToken) {
  bump(counts.token_requests, grantType ?? 'none');
  const call = {
    sequence: (sequence += 1), time: Date.now() / 1000, endpoint, grant_type: grantType, client_id: clientId,
    refresh_token: fingerprint(refreshToken), issued_refresh_token: null, outcome: 'unhandled', fault: null, delivered: false,
  };
  calls.push(call);
  if (calls.length > CALLS_KEPT) calls.shift();
  return call;
}

/** Record what the server decided: `ok` or the OAuth error code, and the tokens it made. */
export function settle(call, status, body) {
  let answer = {};
  try { answer = JSON.parse(body.toString()); } catch { /* not JSON: an outcome without a code */ }
  call.outcome = status === 200 ? 'ok' : (answer.error ?? `http_${status}`);
  if (call.outcome !== 'ok') bump(counts.errors, call.outcome);
  call.issued_refresh_token = fingerprint(answer.refresh_token);
  for (const kind of ['access_token', 'refresh_token', 'id_token']) {
    if (answer[kind]) issued.push(answer[kind]);
  }
}
