// The certified provider, configured to look like accounts.cloud.com: paths, lifetimes, PKCE, rotation.
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { Provider } from 'oidc-provider';
import { clients } from './clients.mjs';
import { knobs } from './knobs.mjs';
import { counts, revokedGrants } from './ledger.mjs';
import { Adapter } from './storage.mjs';

const OPAQUE = ['AccessToken', 'RefreshToken', 'AuthorizationCode', 'ClientCredentials'];

const MARK = 'CANARY-'; // what a leak test searches logs, events and metrics for

/** A marked token value with 256 random bits. */
export const canary = () => MARK + randomBytes(32).toString('base64url');

function mark(model) {
  const original = model.prototype.generateTokenId; // also notes the token's format on it, so it must run
  model.prototype.generateTokenId = function generateTokenId() { return MARK + original.call(this); };
}

function refreshTokenLife(ctx) {
  const spent = ctx?.oidc?.entities.RotatedRefreshToken;
  const inherits = knobs.refresh_token_expiration === 'absolute' && spent;
  return inherits ? Math.max(1, spent.remainingTTL) : knobs.refresh_token_life;
}

// Who asks for the scope `email` learns of groups, too, as at servers of companies; carol is in as many as Entra ID tells of.
const GROUPS = { carol: Array.from({ length: 200 }, (_, number) => (number ? randomUUID() : 'signers')) };

const person = (sub) => ({ sub, email: `${sub}@example.com`, email_verified: true, groups: GROUPS[sub] ?? ['people'] });

const configuration = (redirectUris) => ({
  adapter: Adapter,
  clients: clients(redirectUris),
  jwks: { keys: [{ ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256', kid: 'stand-in' }] },
  cookies: { keys: [randomBytes(16).toString('hex')] },
  scopes: ['openid', 'offline_access', 'wsp', 'spa', 'leases'],
  pkce: { required: () => true },
  rotateRefreshToken: () => knobs.rotate,
  claims: { openid: ['sub'], email: ['email', 'email_verified', 'groups'] },
  conformIdTokenClaims: false, // in the id token, not only at the userinfo endpoint
  findAccount: (_ctx, sub) => ({ accountId: sub, claims: () => person(sub) }),
  routes: {
    authorization: '/connect/authorize', token: '/connect/token', revocation: '/connect/revocation',
    introspection: '/connect/introspect', userinfo: '/connect/userinfo', end_session: '/connect/endsession',
    jwks: '/.well-known/jwks',
  },
  ttl: {
    AccessToken: () => knobs.access_token_life,
    ClientCredentials: () => knobs.access_token_life,
    RefreshToken: refreshTokenLife,
    AuthorizationCode: 60, IdToken: 300, Interaction: 600, Session: 86400, Grant: 30 * 86400,
  },
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true }, // ready-made login and consent pages
    revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
    introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
  },
});

/** The provider for `issuer`, its events wired to the ledger. */
export function createProvider(issuer, redirectUris) {
  const provider = new Provider(issuer, configuration(redirectUris));
  for (const model of OPAQUE) mark(provider[model]);
  provider.on('refresh_token.consumed', () => { counts.rotations += 1; });
  provider.on('grant.revoked', (_ctx, grantId) => { revokedGrants.add(grantId); });
  provider.on('server_error', (_ctx, error) => console.error('server_error', error));
  return provider;
}
