/** Reads the settings from an environment, once. */
import { OperatorError } from '../kernel/errors.ts'
import { type Option, options, type Settings } from './schema.ts'

/** Variables with our prefix that belong to the tools around the server, not to it. */
const ELSEWHERE = /^LATCHKEY_(TEST|EXAMPLE|BENCH)_/

const KNOWN: ReadonlySet<string> = new Set(Object.values(options).map(option => option.name))

/** Whether a variable looks like a setting and is none: with it nothing of ours starts. */
export const isUnknownSetting = (name: string): boolean =>
  name.startsWith('LATCHKEY_') && !KNOWN.has(name) && !ELSEWHERE.test(name)

/** Throws `OperatorError` for a value that makes no sense, and for a name that is not an option: a typing error must not pass in silence. */
export function loadSettings(environment: Readonly<Record<string, string | undefined>>): Settings {
  for (const name of Object.keys(environment))
    if (isUnknownSetting(name))
      throw new OperatorError(`${name} is not a setting. docs/configuration.gen.md lists them all.`)

  const settled: Partial<Settings> = {}
  for (const [member, option] of Object.entries(options) as [keyof Settings, Option][])
    Object.assign(settled, { [member]: option.read(environment[option.name] || undefined, settled) })
  return settled as Settings
}
