// The product's side of the stand-in: one listener that can be closed and opened again on the same port.
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import * as citrix from './citrix.mjs';
import { readBody, serveTokenRequest } from './token_requests.mjs';

const SIGN_IN_FORM = /^\/core\/interaction\/[^/]+$/;
const WRONG_PASSWORD = 'wrong'; // every other one is right
const SERVICE_TOKENS = /^\/cctrustoauth2\/([^/]+)\/tokens\/clients$/;

export class Front {
  #server;
  #port;
  #host;
  #scheme;

  constructor({ host, port, tls }) {
    this.#host = host;
    this.#port = port;
    this.#scheme = tls ? 'https' : 'http';
    this.#server = tls
      ? https.createServer({ key: fs.readFileSync(tls.key), cert: fs.readFileSync(tls.cert) })
      : http.createServer();
  }

  get origin() { return `${this.#scheme}://${this.#host}:${this.#port}`; }

  /** Listen; a second call does nothing. The first one fixes the port. */
  async listen() {
    if (this.#server.listening) return;
    await new Promise((ok, failed) => {
      this.#server.once('error', failed);
      this.#server.listen(this.#port, this.#host, ok);
    });
    this.#port = this.#server.address().port;
  }

  /** Refuse new connections and cut the open ones, as a server that is gone. */
  async close() {
    if (!this.#server.listening) return;
    await new Promise((ok) => { this.#server.close(ok); this.#server.closeAllConnections(); });
  }

  serve(provider) {
    const callback = provider.callback();
    this.#server.on('request', (req, res) => {
      this.#route(req, res, provider, callback).catch((error) => {
        console.error('front', error);
        res.socket?.destroy();
      });
    });
  }

  async #route(req, res, provider, callback) {
    const url = new URL(req.url, this.origin);
    const customer = SERVICE_TOKENS.exec(url.pathname)?.[1];
    if (url.pathname === '/citrixapi/discovery/configurations') citrix.discovery(req, res, url, this.origin);
    else if (url.pathname === '/citrixapi/store/resources') await citrix.resources(req, res, provider);
    else if (customer && req.method === 'POST') {
      await serveTokenRequest('service_principal', req, res, (body) => citrix.serviceToken(req, res, customer, body));
    } else if (url.pathname === '/core/connect/token' && req.method === 'POST') {
      mount(req, url);
      await serveTokenRequest('token', req, res, (body) => { req.body = body; return callback(req, res); });
    } else if (SIGN_IN_FORM.test(url.pathname) && req.method === 'POST') {
      await signIn(req, res, url, callback);
    } else if (url.pathname.startsWith('/core/')) {
      mount(req, url);
      await callback(req, res);
    } else citrix.json(res, 404, { error: 'not_found' });
  }
}

/** The provider's own login page takes any password; with a wrong one it is shown again. */
async function signIn(req, res, url, callback) {
  req.body = await readBody(req);
  if (new URLSearchParams(req.body).get('password') === WRONG_PASSWORD) {
    res.writeHead(303, { location: url.pathname });
    res.end();
    return;
  }
  mount(req, url);
  await callback(req, res);
}

/** Make the provider, which believes to live at the root, find itself under /core. */
function mount(req, url) {
  if (url.pathname === '/core/connect/authorize') adaptPrompt(url.searchParams);
  req.url = url.pathname.slice('/core'.length) + url.search;
  req.originalUrl = `/core${req.url}`; // the provider derives its mount path from this; it must end with req.url
}

/** Citrix clients send prompt=Login and expect offline access; the provider wants lower case, and consent for offline access. */
function adaptPrompt(query) {
  const offline = (query.get('scope') ?? '').split(' ').includes('offline_access');
  if (offline) query.set('prompt', 'login consent');
  else if (query.has('prompt')) query.set('prompt', query.get('prompt').toLowerCase());
}
