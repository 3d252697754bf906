/** How we speak TLS: the versions, suites and groups of both ways to have a certificate, and nothing older. */
import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'
import { SECOND } from '../kernel/seconds.ts'

/** TLS 1.3's by name (RFC 8446 §B.4); of TLS 1.2, only those with forward secrecy and an AEAD (RFC 9325 §4.2). */
const SUITES = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
]

/** The hybrid first: what is recorded today is not read by a quantum computer of tomorrow. No finite-field groups. */
const GROUPS = ['X25519MLKEM768', 'X25519', 'prime256v1', 'secp384r1']

export const TLS_OPTIONS = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  ciphers: SUITES.join(':'),
  ecdhCurve: GROUPS.join(':'),
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_CIPHER_SERVER_PREFERENCE | constants.SSL_OP_NO_RENEGOTIATION,
  // Whoever opens a connection and says nothing holds it no longer than one who is slow with a request.
  handshakeTimeout: 15 * SECOND,
} as const satisfies TlsOptions
