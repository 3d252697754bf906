/**
 * A document that somebody gave to one of the verbs below the surfaces, and that cannot be taken as it is. Whoever was
 * given it says so in its own way: the Management API with a status, the tenant file with a line.
 */

import type { JsonObject } from '../kernel/json.ts'
import { checkMembers, type Members } from './members.ts'

export class DocumentFault extends Error {
  override readonly name = 'DocumentFault'
  /** Where in the document, from the outside in. */
  readonly path: readonly (string | number)[]

  /** A sentence that names the member and the rule. It holds no secret. */
  constructor(message: string, path: readonly (string | number)[] = []) {
    super(message)
    this.path = path
  }
}

/** The first fault of form. Throws `DocumentFault`. */
export function mustBeSound(members: Members, document: JsonObject, path: readonly (string | number)[] = []): void {
  const [problem] = checkMembers(members, document, path)
  if (problem) throw new DocumentFault(problem.message, problem.path)
}
