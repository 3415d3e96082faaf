// All state in one Map. The grace period and the replay policy live here: the provider itself knows only
// "consumed means replay, and a replay revokes the grant".
import { Provider } from 'oidc-provider';
import { knobs } from './knobs.mjs';
import { counts } from './ledger.mjs';

const store = new Map();
const live = (entry) => entry.endsMs > Date.now();
const beingRefreshed = () => Provider.ctx?.oidc?.params?.grant_type === 'refresh_token';

export const liveRefreshTokens = () => [...store]
  .filter(([key, entry]) => key.startsWith('RefreshToken:') && !entry.payload.consumed && live(entry)).length;

/** Storage in the shape oidc-provider demands of an adapter. */
export class Adapter {
  constructor(model) { this.model = model; }

  #key(id) { return `${this.model}:${id}`; }

  async upsert(id, payload, expiresIn) {
    store.set(this.#key(id), { payload, endsMs: expiresIn ? Date.now() + expiresIn * 1000 : Infinity });
  }

  async find(id) {
    const entry = store.get(this.#key(id));
    if (!entry || !live(entry)) return undefined;
    if (this.model === 'RefreshToken' && entry.payload.consumed) return this.#spent(entry);
    return entry.payload;
  }

  #spent(entry) {
    if (!beingRefreshed()) return entry.payload; // revocation and introspection look, they do not replay
    if (Date.now() - entry.consumedMs < knobs.grace_seconds * 1000) {
      counts.grace_reuses += 1;
      return { ...entry.payload, consumed: undefined };
    }
    counts.replays += 1;
    return knobs.on_replay === 'reject' ? undefined : entry.payload;
  }

  async consume(id) { // the first use counts: a grace period does not slide
    const entry = store.get(this.#key(id));
    entry.payload.consumed ??= Math.floor(Date.now() / 1000);
    entry.consumedMs ??= Date.now();
  }

  async findByUid(uid) { return this.#scan((payload) => payload.uid === uid); }

  async findByUserCode(code) { return this.#scan((payload) => payload.userCode === code); }

  #scan(matches) {
    for (const [key, entry] of store) {
      if (key.startsWith(`${this.model}:`) && live(entry) && matches(entry.payload)) return entry.payload;
    }
    return undefined;
  }

  async destroy(id) { store.delete(this.#key(id)); }

  async revokeByGrantId(grantId) {
    for (const [key, entry] of store) if (entry.payload.grantId === grantId) store.delete(key);
  }
}
