/** What the sections of `kept.ts` have in common when they read the file. */
import { DocumentFault } from '../config/document-fault.ts'
import type { Findings } from '../config/findings.ts'
import type { Path } from '../config/yaml.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'

/** Whether `check` finds nothing wrong; its `DocumentFault` is told at its place. */
export async function isAccepted(path: Path, findings: Findings, check: () => unknown): Promise<boolean> {
  try {
    await check()
    return true
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error
    findings.fault([...path, ...error.path], error.message)
    return false
  }
}

/** A member that is a mapping; an export writes null, or an empty one, for what there is none of. */
export function mappingAt(document: JsonObject, name: string, findings: Findings): JsonObject | undefined {
  const given = document[name]
  if (given === undefined || given === null) return undefined
  if (!isObject(given)) {
    findings.fault([name], `${name} must be a mapping.`)
    return undefined
  }
  return Object.keys(given).length > 0 ? given : undefined
}
