import type tls from 'node:tls';

// A pre-shared key instead of a certificate: nothing to generate, nothing to expire, and no private key in the tree.
const KEY = Buffer.alloc(32, 7);
const CIPHERS = 'TLS_AES_128_GCM_SHA256:PSK+HIGH:PSK';

/** Options of a TLS server that its clients share a key with. */
export const TLS_SERVER: tls.TlsOptions = {
  pskCallback: () => KEY,
  pskIdentityHint: 'scenario',
  ciphers: CIPHERS,
};

/** Options of such a client. */
export const TLS_CLIENT: tls.ConnectionOptions = {
  pskCallback: () => ({ psk: KEY, identity: 'scenario' }),
  ciphers: CIPHERS,
  checkServerIdentity: () => undefined,
};
