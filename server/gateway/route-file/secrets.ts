/**
 * Secrets of a route file: written out, in a file of their own or in the environment. Neither what is told nor what is
 * warned of repeats one. A file is found from the route file's folder, and read again whenever that is.
 */
import { readFileSync, statSync } from 'node:fs'
import { resolve } from 'node:path'
import { isUnknownSetting } from '../../config/load.ts'
import type { Path } from '../../config/yaml.ts'
import { isObject, type JsonObject } from '../../kernel/json.ts'
import type { KeyFile } from '../plan.ts'
import { readPrivateKey } from '../private-key.ts'
import { text } from './forms.ts'
import { type Form, fault, mapping, needed, perhaps, type Reading } from './member.ts'

/** Room for a key and its chain; what is larger was named by mistake. */
const MOST_BYTES = 64 * 1024
const OTHERS_READ = 0o004

const SAYS = 'text, { file: a-file } or { env: A_VARIABLE }'

const IN_THE_OPEN =
  'A secret stands in this file, which everybody on this machine can read: put it in a file of its own, or in the environment.'

export const secret: Form<string> = {
  says: SAYS,
  read(value, path, reading) {
    if (typeof value === 'string' && value !== '') {
      if (reading.isOpen) reading.findings.warn(path, IN_THE_OPEN)
      return value
    }
    if (!isObject(value) || Object.keys(value).length !== 1) return fault(reading, path, SAYS)
    const { file, env } = value as JsonObject
    if (typeof file === 'string' && file !== '') return nonEmpty(readSecretFile(file, path, reading), path, reading)
    if (typeof env === 'string' && env !== '') return fromEnvironment(env, path, reading)
    return fault(reading, path, SAYS)
  },
}

/** One line break at the end is the editor's. */
const nonEmpty = (found: string | undefined, path: Path, reading: Reading): string | undefined => {
  const trimmed = found?.replace(/\r?\n$/, '')
  if (trimmed !== '') return trimmed
  reading.findings.fault(path, `The file that ${path.at(-1)} names is empty.`)
  return undefined
}

function fromEnvironment(name: string, path: Path, { environment, findings }: Reading): string | undefined {
  if (isUnknownSetting(name)) {
    findings.fault(path, `${name} is not a setting, and other variables may not begin so: call it something else.`)
    return undefined
  }
  const found = environment[name]
  if (found) return found
  findings.fault(path, `${path.at(-1)} is to come from the environment variable ${name}, which is not set.`)
  return undefined
}

function readSecretFile(file: string, path: Path, reading: Reading): string | undefined {
  const found = readOtherFile(file, path, reading)
  if (found !== undefined && (statSync(resolve(reading.folder, file)).mode & OTHERS_READ) !== 0)
    reading.findings.warn(path, `Everybody on this machine can read the secret in ${file}: give it mode 0600 or 0640.`)
  return found
}

/** What a file beside the route file holds, noted as one to watch. */
function readOtherFile(file: string, path: Path, { folder, files, findings }: Reading): string | undefined {
  const full = resolve(folder, file)
  files.add(full)
  try {
    if (statSync(full).size > MOST_BYTES) {
      findings.fault(path, `The file ${file} is larger than ${MOST_BYTES / 1024} KiB.`)
      return undefined
    }
    return readFileSync(full, 'utf8')
  } catch (error) {
    findings.fault(path, `The file ${file} cannot be read: ${(error as Error).message}.`)
    return undefined
  }
}

export const KEY_FILE = {
  file: needed(text, 'The file with the private key, in PEM or as a JWK.'),
  kid: perhaps(text, 'What the key is called.', "the JWK's own, or its thumbprint"),
}

const keyFileMembers = mapping('a key', KEY_FILE)

/** A private key that can be read. Whether it can do what it is there for is asked where it is used. */
export const keyFile: Form<KeyFile> = {
  ...keyFileMembers,
  read(value, path, reading) {
    const members = keyFileMembers.read(value, path, reading)
    const found = members && readSecretFile(members.file, [...path, 'file'], reading)
    if (!members || found === undefined) return undefined
    const wrong = readPrivateKey(found)
    if (typeof wrong === 'string') {
      reading.findings.fault([...path, 'file'], `The file ${members.file} ${wrong}`)
      return undefined
    }
    return { kid: members.kid, text: found, file: members.file }
  },
}

/** A path, from the folder of the route file, of a file that is there; its content is read by whoever needs it. */
const existing = (read: typeof readOtherFile): Form<string> => ({
  says: 'the path of a file',
  read(value, path, reading) {
    const name = text.read(value, path, reading)
    if (name === undefined || read(name, path, reading) === undefined) return undefined
    return resolve(reading.folder, name)
  },
})

export const existingFile = existing(readOtherFile)
export const existingSecretFile = existing(readSecretFile)
