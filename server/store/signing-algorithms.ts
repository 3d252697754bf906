/** The algorithms that clients and APIs ask for, found by index: what they are is the documents' (`clients/`) to say. */
import type { JsonObject, JsonValue } from '../kernel/json.ts'
import type { Database } from './schema.ts'

/** Of a client's metadata, what its ID tokens are signed with; null where it leaves that to us. */
export const idTokenAlgorithmIn = (metadata: JsonObject): string | null => {
  const configuration = metadata['jwt_configuration']
  return textIn(isDocument(configuration) ? configuration['alg'] : undefined)
}

/** Of an API's settings, what its access tokens are signed with; null where it leaves that to us. */
export const accessTokenAlgorithmIn = (settings: JsonObject): string | null => textIn(settings['signing_alg'])

const textIn = (value: JsonValue | undefined): string | null => (typeof value === 'string' ? value : null)

const isDocument = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Those of the names that a row of the tenant asks for: one look-up each, however many rows ask for the same. */
export async function askedForIn(
  db: Database,
  table: 'clients' | 'resource_servers',
  tenant: string,
  among: readonly string[],
): Promise<string[]> {
  if (among.length === 0) return []
  const answer: Record<string, unknown> = await db
    .selectNoFrom(query =>
      among.map((name, index) =>
        query
          .exists(
            query.selectFrom(table).select('id').where('tenant', '=', tenant).where('signing_algorithm', '=', name),
          )
          .as(`asked_${index}`),
      ),
    )
    .executeTakeFirstOrThrow()
  return among.filter((_, index) => answer[`asked_${index}`])
}
