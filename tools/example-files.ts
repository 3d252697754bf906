/**
 * The example's tenant file and route file, as they are for a server: with its addresses in the place of the usual ones,
 * and with secrets that were made here and are nowhere else.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { randomSecret } from '../server/kernel/secrets.ts'
import { makeDataFolder } from '../server/store/data-folder.ts'

const EXAMPLE = new URL('../examples/24-hour-video/', import.meta.url)
const OWNER_ALONE = 0o600

/** Where things are. Origins have no slash at their end. */
export interface Places {
  /** With its slash. */
  readonly issuer: string
  readonly page: string
  readonly gateway: string
  /** The two processes of the API. */
  readonly apis: readonly [string, string]
}

/** As the files in the repository say. */
const USUAL: Places = {
  issuer: 'http://localhost:4000/',
  page: 'http://localhost:4002',
  gateway: '127.0.0.1:4001',
  apis: ['http://127.0.0.1:4003', 'http://127.0.0.1:4004'],
}

/** The clients that keep a secret, each with the file that it is in. */
export const MACHINES = { edge: '24-hour-video-edge', api: '24-hour-video-api' } as const
type Machine = keyof typeof MACHINES
export type Secrets = Readonly<Record<Machine, string>>

/** The tenant file as it is to be applied: it holds secrets. */
export function tenantFile(places: Pick<Places, 'issuer' | 'page'>, secrets: Secrets): string {
  const text = readFileSync(new URL('tenant.yaml', EXAMPLE), 'utf8')
    .replaceAll(USUAL.page, places.page)
    .replaceAll(USUAL.issuer, places.issuer)
  return Object.entries(MACHINES).reduce(
    (filled, [machine, client]) =>
      filled.replace(
        `  - client_id: ${client}\n    name`,
        `  - client_id: ${client}\n    client_secret: ${secrets[machine as Machine]}\n    name`,
      ),
    text,
  )
}

/** The route file; the secret is in `edge.secret` beside it. */
export const routeFile = (places: Places): string =>
  [...(['issuer', 'page', 'gateway'] as const).map(name => [USUAL[name], places[name]]), ...pairs(places.apis)].reduce(
    (text, [usual = '', here = '']) => text.replaceAll(usual, here),
    readFileSync(new URL('edge.yaml', EXAMPLE), 'utf8'),
  )

const pairs = (apis: Places['apis']) => apis.map((api, index) => [USUAL.apis[index], api])

/** The secrets of a folder, made where they are missing. Nobody but the folder's owner can read them. */
export function keepSecrets(folder: string): Secrets {
  makeDataFolder(folder)
  const secretOf = (machine: Machine): string => {
    const file = secretFile(folder, machine)
    try {
      writeFileSync(file, `${randomSecret()}\n`, { mode: OWNER_ALONE, flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    }
    return readFileSync(file, 'utf8').trim()
  }
  return { edge: secretOf('edge'), api: secretOf('api') }
}

export const secretFile = (folder: string, machine: Machine): string => join(folder, `${machine}.secret`)

/** Writes a file anew, whatever mode another had. Answers its path. */
export function writeOwn(folder: string, name: string, text: string): string {
  const file = join(folder, name)
  rmSync(file, { force: true })
  writeFileSync(file, text, { mode: OWNER_ALONE })
  return file
}
