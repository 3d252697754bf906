/**
 * `npm run check:mutations [-- module …]`: whether the tests of the conformance modules can fail. Each mutation breaks
 * one place of the product (`mutating.ts` does, in memory), and the module's own tests have to notice, in each plan that
 * has the module; so have those that prove what is asked in every module, and what providers trip over. Fails and names
 * those that live. Which places there are is `tests/conformance/mutations/`'s to say.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Demand, Proof } from '../tests/conformance/demand.ts'
import type { Mutation } from '../tests/conformance/mutation.ts'
import { flowOf, mutationsOf } from '../tests/conformance/mutations.ts'
import { type Plan, plans } from '../tests/conformance/plans.ts'
import { migrateSqlite } from '../tests/fixtures/global.ts'
import type { ReadSource } from './conformance.ts'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const PRELOADED = fileURLToPath(new URL('./mutating.ts', import.meta.url))

export type FindMutations = (plan: string, module: string) => readonly Mutation[]

const proofsOf = ({ demands }: Plan, module: string): readonly Proof[] =>
  Object.values<Demand>(demands[module] ?? {}).flatMap(demand => ('proof' in demand ? [demand.proof] : []))

/** A list that is of no modules has subjects. Those of which nothing is proven have nothing to break. */
const provenModules = (plan: Plan): readonly string[] =>
  (plan.modules ?? Object.keys(plan.demands)).filter(module => proofsOf(plan, module).length > 0)

/** A sentence for each module that nothing breaks, and each mutation that fits its file no longer. Pure. */
export function findStale(all: readonly Plan[], readSource: ReadSource, find: FindMutations): readonly string[] {
  const faults = all.flatMap(plan =>
    provenModules(plan).flatMap(module => {
      const mutations = find(plan.title, module)
      if (mutations.length === 0) return [`${plan.title}: nothing breaks ${module}`]
      return mutations.flatMap(({ file, from, to }) => {
        const times = (readSource(file)?.split(from).length ?? 1) - 1
        if (times !== 1) return [`${module}: what is to be broken is in ${file} ${times} times: ${from}`]
        return from === to ? [`${module}: nothing is broken in ${file}: ${from}`] : []
      })
    }),
  )
  return [...new Set(faults)]
}

/** A mutation of a module, which one process tries for all plans that share it. */
export interface Trial {
  readonly module: string
  readonly mutation: Mutation
  /** Title → which of the tests are its own, by their names with those of the suites around them. */
  readonly own: ReadonlyMap<string, RegExp>
  readonly files: readonly string[]
}

/** Of all modules, unless some are named. */
export function trialsOf(all: readonly Plan[], find: FindMutations, named: readonly string[]): readonly Trial[] {
  const trials = new Map<string, Trial>()
  for (const plan of all)
    for (const module of provenModules(plan).filter(one => named.length === 0 || named.includes(one)))
      for (const mutation of find(plan.title, module)) {
        const key = JSON.stringify([module, mutation.file, mutation.from, mutation.to])
        const known = trials.get(key)
        const own = ownTests(calledIn(plan, module), mutation.flow ?? flowOf(plan.title))
        trials.set(key, {
          module,
          mutation,
          own: new Map([...(known?.own ?? []), [plan.title, own]]),
          files: [...new Set([...(known?.files ?? []), ...proofsOf(plan, module).map(({ file }) => file)])],
        })
      }
  return [...trials.values()]
}

/** The tests of a module are called by it; those of a subject are the ones that its proofs name. */
const calledIn = (plan: Plan, module: string): string =>
  plan.modules
    ? `${RegExp.escape(module)}: `
    : `(?:${[...new Set(proofsOf(plan, module).map(({ test }) => RegExp.escape(test)))].join('|')})$`

/** Those of other flows stand in a suite that is called by the flow; form_post has a file of its own besides. */
const ownTests = (called: string, flow: string | undefined): RegExp => {
  const suite =
    flow === undefined
      ? '^(?!.* in other flows )(?:.* )?'
      : `(?:, in other flows ${flow}|${flow.endsWith('form_post') ? 'with form_post, on sqlite' : '(?!)'}) `
  return new RegExp(suite + called)
}

/** What one test came to: it failed by what it saw, or it did not, or something kept it from looking. */
export interface Result {
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'hindered'
  readonly seen: string
}

export type Verdict = 'noticed' | 'lived' | 'was not tried'

/** Failed by whatever is not what a test saw (a file that does not load, a server that does not start, a timeout), nothing is noticed. */
export function verdictOf(own: RegExp, results: readonly Result[]): Verdict {
  const ours = results.filter(({ name }) => own.test(name))
  if (ours.some(({ outcome }) => outcome === 'failed')) return 'noticed'
  return ours.some(({ outcome }) => outcome === 'passed') ? 'lived' : 'was not tried'
}

/** On SQLite alone: what is broken above the store is broken on both. */
async function play({ mutation, own }: Trial, file: string, environment: NodeJS.ProcessEnv): Promise<Result[]> {
  const results: Result[] = []
  const around: string[] = []
  const events = run({
    cwd: ROOT,
    files: [file],
    execArgv: ['--import', PRELOADED],
    env: { ...environment, LATCHKEY_MUTATION: JSON.stringify(mutation) },
    testNamePatterns: [...own.values()],
    testSkipPatterns: [/, on postgres(?: |$)/],
    timeout: 60_000,
  })
  for await (const { type, data } of events) {
    if (type === 'test:start') around.splice(data.nesting, Number.POSITIVE_INFINITY, data.name)
    if (type !== 'test:pass' && type !== 'test:fail') continue
    if (data.skip !== undefined || data.details.type === 'suite') continue
    const name = [...around.slice(0, data.nesting), data.name].join(' ')
    if (type === 'test:pass') results.push({ name, outcome: 'passed', seen: '' })
    else {
      const { failureType, cause } = data.details.error as Error & { failureType?: string }
      const outcome = failureType === 'testCodeFailure' ? 'failed' : 'hindered'
      results.push({ name, outcome, seen: cause instanceof Error ? cause.message : String(cause) })
    }
  }
  return results
}

/** File after file, until every plan has noticed. */
async function judge(trial: Trial, environment: NodeJS.ProcessEnv) {
  const results: Result[] = []
  const verdicts = () => [...trial.own].map(([plan, own]) => ({ plan, verdict: verdictOf(own, results) }))
  for (const file of trial.files) {
    results.push(...(await play(trial, file, environment)))
    if (verdicts().every(({ verdict }) => verdict === 'noticed')) break
  }
  return { verdicts: verdicts(), seen: results.find(({ outcome }) => outcome !== 'passed')?.seen ?? '' }
}

/** Tells of each as it comes, and answers how many were not noticed. */
async function tryAll(trials: readonly Trial[], environment: NodeJS.ProcessEnv): Promise<number> {
  const waiting = trials.entries()
  let lived = 0
  const work = async () => {
    for (const [index, trial] of waiting) {
      const { module, mutation } = trial
      const { verdicts, seen } = await judge(trial, environment)
      console.log(`${index + 1}/${trials.length} ${module}: ${seen.split('\n', 1)[0]?.slice(0, 120)}`)
      const missed = verdicts.filter(({ verdict }) => verdict !== 'noticed')
      for (const { plan, verdict } of missed)
        console.error(`${verdict}: ${plan}, ${module}: ${mutation.file}: ${mutation.from} → ${mutation.to}`)
      if (missed.length > 0) lived += 1
    }
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return lived
}

async function main(named: readonly string[]): Promise<void> {
  const unknown = named.filter(module => trialsOf(plans, mutationsOf, [module]).length === 0)
  if (unknown.length > 0) throw new Error(`No module with a proof is called ${unknown.join(' or ')}`)
  const trials = trialsOf(plans, mutationsOf, named)
  const folder = mkdtempSync(join(tmpdir(), 'latchkey-mutations-'))
  try {
    const migrated = join(folder, 'migrated.db')
    await migrateSqlite(migrated)
    const environment = {
      ...process.env,
      LATCHKEY_TEST_SQLITE: migrated,
      NODE_COMPILE_CACHE: join(folder, 'compiled'),
    }
    const lived = await tryAll(trials, environment)
    console.log(`${trials.length - lived} of ${trials.length} mutations were noticed.`)
    process.exitCode = lived === 0 ? 0 : 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main) await main(process.argv.slice(2))
