/** `latchkey apply`: the file is read and parsed here, by the operator who named it; what is done is `operations/apply.ts`. */
import { packTenantFile } from '../tenant-file/packed.ts'
import { parseTenantFile, readTenantFile } from '../tenant-file/read.ts'
import { type Answering, answer, makeSureToTell, tellOnce, warn } from './answer.ts'
import { ask } from './ask.ts'

export async function applyFile(path: string, given: Answering & { tenant: string }): Promise<void> {
  const file = packTenantFile(await parseTenantFile(readTenantFile(path)))
  makeSureToTell(given)
  const applied = await ask('apply', { tenant: given.tenant, file })
  if (!given.json) for (const warning of applied.warnings) warn(`warning: ${warning}`)
  answer(given, applied, () => [
    ...applied.changes.map(({ kind, id, change }) => `${change} ${kind} ${id}`),
    ...(applied.changes.length === 0 ? ['Everything was as the file says.'] : []),
    ...applied.secrets.map(({ id, name, secret }) =>
      tellOnce(`client-${id}-of-${given.tenant}`, `The secret of ${name} (${id}) is ${secret}`),
    ),
  ])
}
