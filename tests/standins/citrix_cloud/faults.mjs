// Planned failures of the token endpoints. `before`: the server never saw the request. `after`: it has already
// rotated and committed, and the answer is lost or spoiled - the crash window of every rotating client.
import { setTimeout as sleep } from 'node:timers/promises';

let planned = [];

export const setFaults = (faults) => { planned = faults; return planned; };
export const plannedFaults = () => planned;

/** Take the first planned fault that fits this call, or undefined. */
export function take(when, call) {
  const fits = (fault) => fault.when === when
    && (!fault.grant_type || fault.grant_type === call.grant_type)
    && (!fault.client_id || fault.client_id === call.client_id);
  const fault = planned.find(fits);
  if (!fault) return undefined;
  fault.count -= 1;
  if (fault.count <= 0) planned = planned.filter((other) => other !== fault);
  call.fault = `${when}:${fault.kind}`;
  return fault;
}

function clear(res) {
  for (const name of res.getHeaderNames()) res.removeHeader(name);
}

function reset(socket) { // over TLS the TCP socket is the one below; only it can send a reset
  (socket?._parent ?? socket)?.resetAndDestroy();
  socket?.destroy();
}

function truncate(res, body) {
  const cut = body.length ? body : Buffer.from('{"access_token":"CANARY-cut');
  clear(res);
  res.writeHead(200, { 'content-type': 'application/json', 'content-length': cut.length + (body.length ? 0 : 100) });
  res.write(cut.subarray(0, Math.ceil(cut.length / 2)), () => res.socket?.destroy());
}

function patch(res, body, fault) {
  const answer = { ...JSON.parse(body.toString()), ...fault.fields };
  for (const name of fault.drop) delete answer[name];
  res.removeHeader('content-length');
  res.end(JSON.stringify(answer));
}

/**
 * Play a fault out. Returns true when the answer has been dealt with (or withheld), false when the normal
 * answer is still to be sent (kind `delay`).
 */
export async function play(fault, res, body = Buffer.alloc(0)) {
  if (fault.delay_ms) await sleep(fault.delay_ms);
  switch (fault.kind) {
    case 'delay': return false;
    case 'stall': return true; // silence on an open connection, until the client gives up
    case 'reset': reset(res.socket); return true;
    case 'truncate': truncate(res, body); return true;
    case 'patch': patch(res, body, fault); return true;
    default: // canned
      clear(res);
      res.writeHead(fault.status, fault.headers);
      res.end(fault.body);
      return true;
  }
}
