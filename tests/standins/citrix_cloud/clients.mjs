// Registered clients. Ids and secrets carry = + / % and : on purpose: a client that forgets to form-encode
// them (also inside HTTP Basic, RFC 6749 section 2.3.1) fails here, as it would at Citrix.
export const SECRET = 'c3RhbmQtaW4+secret/with%25percent:colon==';

export const SERVICE_PRINCIPAL = Object.freeze({
  customer: 'acmecust01',
  client_id: '5e1f0c1e-0000-4000-8000-00000000cafe',
  client_secret: 'c2VydmljZQ+/%3A:principal==',
});

export const APPLICATION_ID = '0a9b8c7d-1111-4222-8333-444455556666';

/** The client list of the provider, for the redirect URIs the test bed was started with. */
export function clients(redirectUris) {
  const user = {
    redirect_uris: redirectUris,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  };
  const machine = { redirect_uris: [], response_types: [], grant_types: ['client_credentials'], client_secret: SECRET };
  return [
    { ...user, client_id: 'public-client==', token_endpoint_auth_method: 'none' },
    { ...user, client_id: 'private/post+1==', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_post' },
    { ...user, client_id: 'private:basic%1==', client_secret: SECRET, token_endpoint_auth_method: 'client_secret_basic' },
    // Registered without Offline Access: never gets a refresh token.
    { ...user, client_id: 'public-online==', token_endpoint_auth_method: 'none', grant_types: ['authorization_code'] },
    { ...machine, client_id: 'machine/post+1==', token_endpoint_auth_method: 'client_secret_post' },
    { ...machine, client_id: 'machine:basic%1==', token_endpoint_auth_method: 'client_secret_basic' },
  ];
}
