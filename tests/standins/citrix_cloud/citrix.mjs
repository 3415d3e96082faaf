// The parts of Citrix Cloud around the authorization server: customer discovery, a resource, the service principals' endpoint.
import { APPLICATION_ID, SERVICE_PRINCIPAL } from './clients.mjs';
import { knobs } from './knobs.mjs';
import { counts } from './ledger.mjs';
import { canary } from './provider.mjs';

const serviceTokens = new Map(); // token -> end, in ms

export function json(res, status, body) {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' });
  res.end(JSON.stringify(body));
}

/** The customer discovery document. Which 4xx a missing or unknown application id gets is not documented; 400 and 403 are ours. */
export function discovery(req, res, url, origin) {
  const id = req.headers['citrix-applicationid'] ?? url.searchParams.get('ApplicationId');
  if (id !== APPLICATION_ID) {
    json(res, id ? 403 : 400, { error: id ? 'access_denied' : 'invalid_request', error_description: 'Unknown application id.' });
    return;
  }
  json(res, 200, {
    services: [{ service: 'store', endpoints: [{ id: 'ListResources', url: `${origin}/citrixapi/store/resources` }] }],
    authScopes: ['openid', 'wsp', 'spa', 'leases'],
    clientSettings: {
      customerDomain: new URL(origin).host,
      authDomain: new URL(origin).host,
      promptLoginEnabled: true,
      acr_values: 'idp:stand-in',
      oidcConfiguration: { oidc_discovery_endpoint: `${origin}/core/.well-known/openid-configuration` },
    },
  });
}

async function accepted(provider, header) {
  const token = /^(?:Bearer |CwsAuth Bearer=)(\S+)$/.exec(header ?? '')?.[1];
  if (!token) return false;
  if ((serviceTokens.get(token) ?? 0) > Date.now()) return true;
  return Boolean(await provider.AccessToken.find(token) ?? await provider.ClientCredentials.find(token));
}

/** A protected resource; like Citrix's it refuses with 400 invalid_grant, not with 401. */
export async function resources(req, res, provider) {
  if (await accepted(provider, req.headers.authorization)) {
    counts.resource_ok += 1;
    json(res, 200, { resources: [{ id: 'notepad', name: 'Notepad' }] });
  } else {
    counts.resource_refused += 1;
    json(res, 400, { error: 'invalid_grant', error_description: 'Access token is invalid.' });
  }
}

function serviceRefusal(req, customer, form) {
  if (!/application\/json/.test(req.headers.accept ?? '')) return [406, 'not_acceptable'];
  if (req.headers['content-type'] !== 'application/x-www-form-urlencoded') return [400, 'invalid_request'];
  if (form.get('grant_type') !== 'client_credentials') return [400, 'unsupported_grant_type'];
  const known = ['root', SERVICE_PRINCIPAL.customer].includes(customer)
    && form.get('client_id') === SERVICE_PRINCIPAL.client_id && form.get('client_secret') === SERVICE_PRINCIPAL.client_secret;
  return known ? undefined : [400, 'invalid_client']; // 400, not 401: as documented
}

/** `POST /cctrustoauth2/{customer}/tokens/clients`; note that `expires_in` is a string. */
export function serviceToken(req, res, customer, body) {
  const refused = serviceRefusal(req, customer, new URLSearchParams(body));
  if (refused) {
    json(res, refused[0], { error: refused[1], error_description: 'Invalid client id or client secret.' });
    return;
  }
  const token = canary();
  serviceTokens.set(token, Date.now() + knobs.service_token_life * 1000);
  json(res, 200, { token_type: 'bearer', access_token: token, expires_in: String(knobs.service_token_life) });
}
