/**
 * The types of keys. They come from the one file of jose's whose declarations need neither a browser's types nor a
 * runtime's, so that neither do ours.
 */
import type { importJWK, importSPKI } from 'jose/key/import'

/** RFC 7517. */
export type JWK = Parameters<typeof importJWK>[0]

/** The runtime's own, where there is a type for it. */
export type CryptoKey = Awaited<ReturnType<typeof importSPKI>>
