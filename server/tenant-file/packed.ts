/**
 * A tenant file on its way from the process that has parsed it to the one that has the data, as JSON. Parsing takes
 * seconds for a large file, during which a server would answer nobody: so it is the command that does it.
 */

import { createFindings, type Found } from '../config/findings.ts'
import { lineIn, type Outline } from '../config/yaml.ts'
import type { JsonObject } from '../kernel/json.ts'
import { OUTCOME, type ParsedTenantFile, type TenantFile } from './read.ts'

interface Packed extends Omit<TenantFile, 'findings'> {
  readonly found: Found
  readonly lines: Outline
}

/** What is found when the file is applied is about a section, an entry or a member of one. */
const FINDABLE_DEPTH = 3

export function packTenantFile({ findings, outline, ...file }: ParsedTenantFile): JsonObject {
  const packed: Packed = { ...file, found: findings.found(), lines: outline(FINDABLE_DEPTH) }
  return packed as unknown as JsonObject
}

/** What is unpacked is believed to have been packed by the same version. */
export function unpackTenantFile(given: JsonObject): TenantFile {
  const { found, lines, ...file } = given as unknown as Packed
  return { ...file, findings: createFindings(file.name, path => lineIn(lines, path), OUTCOME, found) }
}
