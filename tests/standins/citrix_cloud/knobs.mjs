// What a test may change while the server runs. Units are in seconds; names are those of the Python wrapper.
const DEFAULTS = Object.freeze({
  access_token_life: 1800, // Citrix: 30 minutes
  refresh_token_life: 86400, // Citrix: 24 hours
  refresh_token_expiration: 'sliding', // 'absolute': a rotated token inherits the first one's end
  rotate: true,
  grace_seconds: 0, // how long a spent refresh token is accepted again, counted from its first use
  grace_answer: 'fresh', // 'same': the first answer is repeated word for word, with its old expires_in
  on_replay: 'revoke', // 'reject': only invalid_grant, the family lives on
  service_token_life: 3600, // Citrix Cloud API service principals: 1 hour
});

export const knobs = { ...DEFAULTS };

export const resetKnobs = () => Object.assign(knobs, DEFAULTS);

/** Set some knobs; throws TypeError for a name or a type that no knob has. */
export function setKnobs(changes) {
  for (const [name, value] of Object.entries(changes)) {
    if (!(name in DEFAULTS) || typeof value !== typeof DEFAULTS[name]) throw new TypeError(`no such knob: ${name}=${value}`);
  }
  return Object.assign(knobs, changes);
}
