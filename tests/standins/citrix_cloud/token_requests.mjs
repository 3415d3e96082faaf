// Every token request passes here, whichever endpoint serves it: logged, hit by faults, one at a time per refresh token.
import * as faults from './faults.mjs';
import { knobs } from './knobs.mjs';
import * as ledger from './ledger.mjs';

const BODY_LIMIT = 64 * 1024;
const queues = new Map(); // refresh token -> tail of its queue: a race must have one winner, as in a database
const firstAnswers = new Map(); // refresh token -> its first answer, for grace_answer 'same'

/** The whole body as text; throws RangeError when it is larger than any form here. */
export async function readBody(req) {
  const chunks = [];
  let size = 0;
  for await (const chunk of req) {
    size += chunk.length;
    if (size > BODY_LIMIT) throw new RangeError('request body too large');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function basicClientId(header) {
  const encoded = /^Basic (.+)$/i.exec(header ?? '')?.[1];
  if (!encoded) return null;
  const id = Buffer.from(encoded, 'base64').toString().split(':', 1)[0];
  try { return decodeURIComponent(id.replaceAll('+', ' ')); } catch { return id; }
}

/** Run a handler and hold back what it wants to send. */
function capture(res, handle) {
  return new Promise((resolve, reject) => {
    const { end } = res;
    res.end = (chunk) => {
      res.end = end;
      resolve(chunk ? Buffer.from(chunk) : Buffer.alloc(0));
      return res;
    };
    Promise.resolve(handle()).catch(reject);
  });
}

function inTurn(key, work) {
  if (!key) return work();
  const turn = (queues.get(key) ?? Promise.resolve()).then(work);
  const tail = turn.catch(() => {}).finally(() => { if (queues.get(key) === tail) queues.delete(key); });
  queues.set(key, tail);
  return turn;
}

function repeated(token, res) {
  const first = firstAnswers.get(token);
  if (knobs.grace_answer !== 'same' || !first || Date.now() - first.atMs >= knobs.grace_seconds * 1000) return undefined;
  ledger.counts.grace_reuses += 1;
  res.setHeader('content-type', 'application/json');
  return first.body;
}

async function answer(token, res, handle) {
  const again = token && repeated(token, res);
  if (again) return again;
  const body = await capture(res, handle);
  if (token && res.statusCode === 200 && !firstAnswers.has(token)) firstAnswers.set(token, { body, atMs: Date.now() });
  return body;
}

/** Serve one token request; `handle(body)` is the endpoint itself and must end `res`. */
export async function serveTokenRequest(endpoint, req, res, handle) {
  const body = await readBody(req);
  const form = new URLSearchParams(body);
  const token = form.get('refresh_token');
  const clientId = form.get('client_id') ?? basicClientId(req.headers.authorization);
  const call = ledger.open(endpoint, form.get('grant_type'), clientId, token);
  const before = faults.take('before', call);
  if (before && await faults.play(before, res)) return;
  const sent = await inTurn(token, () => answer(token, res, () => handle(body)));
  ledger.settle(call, res.statusCode, sent);
  const after = faults.take('after', call);
  if (after && await faults.play(after, res, sent)) return;
  call.delivered = !res.socket?.destroyed;
  res.end(sent);
}
