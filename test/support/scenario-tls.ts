import type tls from 'node:tls';
import { createCertificate } from './certificate.ts';

const { key, cert } = createCertificate();

/** Options of a scenario's TLS server. */
export const TLS_SERVER: tls.TlsOptions = { key, cert };

/** Options of a client that trusts it. */
export const TLS_CLIENT: tls.ConnectionOptions = { ca: cert, servername: 'localhost' };
