/**
 * Prints the pages of `docs/` that are facts of the code, so that they cannot go stale: `--check` fails where one has.
 * What the pages say is decided in the modules they are printed from; only their form is decided here.
 */
import { globSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import type { Option } from '../server/config/schema.ts'
import type { Members } from '../server/gateway/route-file/member.ts'
import type { PageErrorCode } from '../server/kernel/errors.ts'
import type { Metric } from '../server/metrics/catalogue.ts'
import type { Feature, Phase } from '../server/oauth/feature.ts'
import type { Demand, Grade } from '../tests/conformance/demand.ts'
import type { Plan } from '../tests/conformance/plans.ts'
import type { Exhibit } from './exhibits.ts'

export interface Generator {
  /** In `docs/`. */
  readonly file: string
  /** Where a reader changes what the page says. */
  readonly source: string
  render(): Promise<string>
}

/** Each loads its source only when asked, so that one broken module does not hide the state of the other pages. */
export const generators: readonly Generator[] = [
  {
    file: 'configuration.gen.md',
    source: 'server/config/schema.ts',
    async render() {
      const { options } = await import('../server/config/schema.ts')
      return renderConfiguration(Object.values(options))
    },
  },
  {
    file: 'errors.gen.md',
    source: 'server/kernel/errors.ts',
    async render() {
      const { PAGE_ERROR_STATUS, PROTOCOL_ERROR_STATUS } = await import('../server/kernel/errors.ts')
      const { en } = await import('../server/words/en.ts')
      return renderErrors(PROTOCOL_ERROR_STATUS, PAGE_ERROR_STATUS, en.error.causes)
    },
  },
  {
    file: 'pipeline.gen.md',
    source: 'server/oauth/features.ts',
    async render() {
      const { features } = await import('../server/oauth/features.ts')
      return renderPipeline(features)
    },
  },
  {
    file: 'conformance.gen.md',
    source: 'tests/conformance/demands/',
    async render() {
      const { plans } = await import('../tests/conformance/plans.ts')
      return renderConformance(plans)
    },
  },
  {
    file: 'metrics.gen.md',
    source: 'server/metrics/catalogue.ts and edge-catalogue.ts',
    async render() {
      const { CATALOGUE } = await import('../server/metrics/catalogue.ts')
      const { EDGE_CATALOGUE } = await import('../server/metrics/edge-catalogue.ts')
      return renderMetrics(CATALOGUE, EDGE_CATALOGUE)
    },
  },
  {
    file: 'gateway-file.gen.md',
    source: 'server/gateway/route-file/schema.ts',
    async render() {
      const { FILE } = await import('../server/gateway/route-file/schema.ts')
      return renderRouteFile(FILE)
    },
  },
  {
    file: 'openapi.gen.json',
    source: 'server/api/resources.ts',
    async render() {
      const { operations } = await import('../server/api/resources.ts')
      const { printOpenApi } = await import('../server/api/openapi.ts')
      return `${JSON.stringify(printOpenApi(operations, 'http://localhost:4000/'), null, 1)}\n`
    },
  },
  {
    file: 'pages.gen.md',
    source: 'tools/exhibits.ts',
    async render() {
      const { exhibits } = await import('./exhibits.ts')
      return renderExhibits(exhibits)
    },
  },
]

type Catalogue = Readonly<Record<string, Metric>>

export function renderMetrics(server: Catalogue, gateway: Catalogue): string {
  const rows = (catalogue: Catalogue) =>
    Object.entries(catalogue).map(([name, { kind, help, labels = [], isShared }]) => [
      `\`${name}\``,
      kind,
      labels.map(label => `\`${label}\``).join(', '),
      `${help}${isShared ? ' Of the whole installation.' : ''}`,
    ])
  const columns = ['metric', 'kind', 'labels', 'meaning']
  return `# Metrics

Besides these there are prom-client's own of the process (\`process_…\`, \`nodejs_…\`). No label holds what anybody sent, a
person's address or a secret.

## The identity server's

What \`LATCHKEY_METRICS_PORT\` answers at \`/metrics\`. With several workers the counts of all are added up.

${table(columns, rows(server))}

## The gateway's

What the address of \`metrics\` in the route file answers at \`/metrics\`.

${table(columns, rows(gateway))}`
}

/** Every member of a route file, mapping by mapping in the order of the file. One that stands in two places is told once. */
export function renderRouteFile(file: Members): string {
  const places = new Map<Members, string[]>()
  const find = (members: Members, place: string): void => {
    const known = places.get(members)
    if (known) return void known.push(place)
    places.set(members, [place])
    for (const [name, { form }] of Object.entries(members))
      if (form.members) find(form.members, `${place === '' ? '' : `${place}.`}${name}${form.step ?? ''}`)
  }
  find(file, '')
  const sections = [...places].map(([members, [first = '', ...others]]) => {
    const rows = Object.entries(members).map(([name, { form, otherwise, sentence }]) => [
      `\`${name}\``,
      form.says.replace(
        /(a mapping|a list) of .*mapping.*$|a mapping of .*$/,
        whole => `${whole.split(' of ')[0]}, below`,
      ),
      otherwise,
      sentence,
    ])
    const also = others.length > 0 ? `The same at ${others.map(place => `\`${place}\``).join(', ')}.\n\n` : ''
    return `## ${first === '' ? 'The file' : `\`${first}\``}\n\n${also}${table(['member', 'form', 'default', 'meaning'], rows)}`
  })
  return `# The gateway's route file

Every member that \`latchkey gateway --config edge.yaml\` reads. What they are for is in [gateway.md](gateway.md).

Durations have a unit: \`250ms\`, \`60s\`, \`5m\`, \`1h\`, \`7d\`. So do sizes: \`64kb\`, \`1mb\`, \`2gb\`, in steps of 1024. A
secret is text, \`{ file: a-file }\`, found from the folder of the route file, or \`{ env: A_VARIABLE }\`. A member with a
name that is not here is refused, and so is a value of another form.

${sections.join('\n')}`
}

/** Every option of the process, as a table. */
export function renderConfiguration(
  options: readonly Pick<Option, 'name' | 'default' | 'unit' | 'sentence'>[],
): string {
  const rows = options.map(option => {
    const unit = option.unit === undefined ? '' : ` (${option.unit})`
    return [`\`${option.name}\``, `${option.default}${unit}`, option.sentence]
  })
  return `# Settings

Latchkey is configured by environment variables. A variable that is set to nothing counts as unset.

${table(['setting', 'default', 'meaning'], rows)}`
}

type Statuses<Code extends string> = Readonly<Record<Code, number>>

/** Every code an application or a person can be told, with its status. */
export function renderErrors<Code extends PageErrorCode>(
  protocol: Statuses<string>,
  page: Statuses<Code>,
  causes: Readonly<Record<Code, { readonly what: string; readonly next: string }>>,
): string {
  const codes = Object.keys(page) as Code[]
  return `# Errors

## Told to applications

The \`error\` member of an answer, or the \`error\` parameter of a redirect, which has no status of its own.

${table(
  ['error', 'status'],
  Object.entries(protocol).map(([code, status]) => [`\`${code}\``, `${status}`]),
)}
## Shown to people

Where there is no application to redirect to, a page says what happened.

${table(
  ['code', 'status', 'what the page says'],
  codes.map(code => [`\`${code}\``, `${page[code]}`, `**${causes[code].what}.** ${causes[code].next}`]),
)}`
}

/** Complete by type: a phase that is added without a column here does not compile. */
const PHASES: Readonly<Record<Phase, string>> = {
  'authorize.receive': 'which request is this?',
  'authorize.target': 'of which APIs is it asked?',
  'authorize.validate': 'may it be asked?',
  'authorize.respond': 'what does the answer say?',
  'token.ask': 'what may be granted without a request at `/authorize`?',
  'token.redeem': 'is what was presented the presenter’s?',
  'token.bind': 'to what are the tokens bound?',
  'token.shape': 'what do the tokens say?',
}

/** Which feature takes part in which phase: the protocol on one screen. */
export function renderPipeline(
  features: readonly Pick<Feature, 'name' | 'spec' | 'steps' | 'answers' | 'grant' | 'routes'>[],
): string {
  const phases = Object.keys(PHASES) as Phase[]
  const rows = features.map(({ name, spec, steps, answers = [], grant, routes }) => [
    `\`${name}\``,
    spec,
    ...phases.map(phase => (steps?.[phase] ? '●' : '')),
    answers.map(member => `\`${member}\``).join(' '),
    grant ? `\`${grant.type}\`` : '',
    routes ? '●' : '',
  ])
  const questions = Object.entries(PHASES).map(([phase, question]) => `- \`${phase}\`: ${question}`)
  return `# Features and phases

Phases run in this order. Within one, the order of features does not matter. What protects everyone (who the client
is, where it may be redirected to, how it authenticates) belongs to the endpoints and is no feature.

${questions.join('\n')}

${table(['feature', 'source', ...phases, 'answers', 'grant', 'endpoints'], rows)}`
}

const ASKED: Readonly<Record<Grade, string>> = { F: 'F', W: 'W', must: '' }

/** Every demand of every plan, with what proves it or why it cannot be asked yet. */
export function renderConformance(plans: readonly Plan[]): string {
  const all = plans.flatMap(({ demands }) => Object.values(demands).flatMap(asked => Object.values(asked)))
  const explained = all.filter(demand => 'reason' in demand).length
  return `# Conformance

What the OpenID Foundation's conformance suite asks of a provider, in our own words, and what shows that Latchkey does
it. **F** fails the module, **W** is a warning, and without either the module does not come to its end; no failure and no
warning is the aim. A demand is proven by a test that plays the module against a real server, on SQLite and on
PostgreSQL where the store has a part in it. ○ marks those that cannot be asked yet, with the reason; ″ repeats what
stands above.

${all.length - explained} of ${all.length} demands are proven, ${explained} explained.

${plans.map(renderPlan).join('\n')}`
}

/** What is said of the row above is not said again. */
function renderPlan({ title, about, demands }: Plan): string {
  const rows = Object.entries(demands).flatMap(([module, asked]) => {
    const evidence = Object.values(asked).map(demand => renderEvidence(module, demand))
    return Object.values(asked).map(({ grade, says }, index) => [
      index === 0 ? `\`${module}\`` : '',
      ASKED[grade],
      says,
      index > 0 && evidence[index] === evidence[index - 1] ? '″' : (evidence[index] ?? ''),
    ])
  })
  return `## ${title}\n\n${about}\n\n${table(['module', '', 'demand', 'proof, or reason'], rows)}`
}

/** A test as a link to its file, without the name of the module that stands beside it anyway. */
function renderEvidence(module: string, demand: Demand): string {
  if ('reason' in demand) return `○ ${demand.reason}`
  const { file, test } = demand.proof
  return `[${test.startsWith(`${module}: `) ? test.slice(module.length + 2) : test}](../${file})`
}

/** The hosted pages, as pictures. */
export function renderExhibits(exhibits: readonly Exhibit[]): string {
  const shown = exhibits.map(({ name, title, sentence, looks }) => {
    const images = looks.map(look => `![${title}, ${look.title}](pictures/${name}${look.suffix}.png)`)
    return `## ${title}\n\n${sentence}\n\n${table(
      looks.map(look => look.title),
      [images],
    )}`
  })
  return `# The hosted pages

Drawn by Chromium from the pages as they are; \`npm run check\` fails while one of them shows a page as it was. Every
other state, language, scheme and width: \`node tools/screenshots.ts <folder>\`.

${shown.join('\n')}`
}

/** A Markdown table. A bar inside a cell would end it, and a line break the row. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map(cell => cell.replace(/\|/g, '\\|').replace(/\s+/g, ' ')).join(' | ')} |`
  return `${[line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')}\n`
}

const print = async ({ file, source, render }: Generator): Promise<string> =>
  // JSON has no comments.
  file.endsWith('.json')
    ? render()
    : `<!-- Printed from ${source} by \`npm run generate\`. Change it there. -->\n\n${await render()}`

/** The files of `folder` that do not hold what `list` prints, and those that nothing prints any more. */
export async function findStale(list: readonly Generator[], folder: URL): Promise<readonly string[]> {
  const stale = globSync('*.gen.{md,json}', { cwd: folder }).filter(
    file => !list.some(generator => generator.file === file),
  )
  for (const generator of list) {
    const present = await readFile(new URL(generator.file, folder), 'utf8').catch(() => undefined)
    if (present !== (await print(generator))) stale.push(generator.file)
  }
  return stale
}

export async function writeAll(list: readonly Generator[], folder: URL): Promise<void> {
  await mkdir(folder, { recursive: true })
  for (const generator of list) await writeFile(new URL(generator.file, folder), await print(generator))
}

if (import.meta.main) {
  const docs = new URL('../docs/', import.meta.url)
  if (!process.argv.includes('--check')) await writeAll(generators, docs)
  const stale = await findStale(generators, docs)
  for (const file of stale)
    console.error(`docs/${file} is not what the code says: run \`npm run generate\`, or delete it if nothing prints it`)
  if (stale.length === 0) console.log(`Docs: ${generators.length} generated pages say what the code says.`)
  process.exitCode = stale.length === 0 ? 0 : 1
}
