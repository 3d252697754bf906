/**
 * Whether the plans of `tests/conformance` hold what they say: every module has its demands, each demand is proven by
 * a test that is there, runs and insists on it, or has a reason. Tests are found in their source, so this needs no
 * server; whether they pass is theirs to say.
 */
import { globSync, readFileSync } from 'node:fs'
import type { Demand, Proof } from '../tests/conformance/demand.ts'
import type { Plan } from '../tests/conformance/plans.ts'

/** The text of a file of the repository; undefined for one that is not there. */
export type ReadSource = (file: string) => string | undefined

/** A reason that is shorter explains nothing. */
const SHORTEST_REASON = 20

/** A sentence for each fault. `checks` is the text of what is asked in every module. Pure: tests feed it made-up plans. */
export function findFaults(plans: readonly Plan[], readSource: ReadSource, checks: string): readonly string[] {
  return plans.flatMap(plan => [
    ...namesOf(plan),
    ...entriesOf(plan).flatMap(entry => {
      const fault = faultOf(plan, entry, readSource, checks)
      return fault === undefined ? [] : [`${entry.id}: ${fault}`]
    }),
  ])
}

function namesOf({ title, demands, modules }: Plan): readonly string[] {
  const named = modules ?? Object.keys(demands)
  const missing = named.filter(module => Object.keys(demands[module] ?? {}).length === 0)
  const unknown = Object.keys(demands).filter(module => !named.includes(module))
  return [
    ...missing.map(module => `${title}: nothing is asked in ${module}`),
    ...unknown.map(module => `${title}: there is no module ${module}`),
  ]
}

interface Entry {
  readonly id: string
  readonly module: string
  readonly demand: Demand
}

const entriesOf = ({ demands }: Plan): readonly Entry[] =>
  Object.entries(demands).flatMap(([module, asked]) =>
    Object.entries(asked).map(([name, demand]) => ({ id: `${module}#${name}`, module, demand })),
  )

function faultOf(
  plan: Plan,
  { id, module, demand }: Entry,
  readSource: ReadSource,
  checks: string,
): string | undefined {
  const { proof, reason }: { proof?: Proof; reason?: string } = demand
  if ((proof === undefined) === (reason === undefined)) return 'it needs a proof or a reason, and not both'
  if (reason !== undefined) return reason.trim().length < SHORTEST_REASON ? 'its reason explains nothing' : undefined
  if (proof === undefined) return undefined

  const source = readSource(proof.file)
  if (source === undefined) return `there is no file ${proof.file}`
  if (/\.(?:skip|only|todo)\(/.test(source)) return `not every test of ${proof.file} runs`
  const test = testsOf(source).find(({ name }) => name === proof.test)
  if (!test) return `${proof.file} has no test “${proof.test}”`
  if (plan.modules && !proof.test.startsWith(`${module}: `)) return `the test “${proof.test}” is of another module`
  const places = { 'in the test': test.body, 'in the checks': checks }
  if (plan.insistedOn && !places[plan.insistedOn].includes(`'${id}'`)) return `nothing insists on it ${plan.insistedOn}`
  return undefined
}

/** Tests whose name stands there as it is and that have no options, with which one could be skipped. */
function testsOf(source: string): readonly { readonly name: string; readonly body: string }[] {
  const found = [...source.matchAll(/^[ \t]*test\(\s*'((?:\\.|[^'\\])*)',(?!\s*\{)/gm)]
  return found.map((match, index) => ({
    name: (match[1] ?? '').replace(/\\(.)/g, '$1'),
    body: source.slice(match.index, found[index + 1]?.index),
  }))
}

const ROOT = new URL('../', import.meta.url)
const EVERY_MODULE = 'tests/conformance/{checks/*,relying-party}.ts'

export const readFromRepository: ReadSource = file => {
  try {
    return readFileSync(new URL(file, ROOT), 'utf8')
  } catch {
    return undefined
  }
}

export const readChecks = (): string => globSync(EVERY_MODULE, { cwd: ROOT }).map(readFromRepository).join('\n')
