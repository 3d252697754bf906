/**
 * Sections of which each entry is kept as one document, put in the place of the one there is: a letter, a theme, the words
 * of a page. What differs between them is where they stand in the file and where they are kept, and that is a `Kept`.
 */
import { isDeepStrictEqual } from 'node:util'
import type { Managed } from '../audit/events.ts'
import { DocumentFault } from '../config/document-fault.ts'
import type { Findings } from '../config/findings.ts'
import type { Path } from '../config/yaml.ts'
import type { Instant } from '../kernel/clock.ts'
import { isObject, type JsonObject, type JsonValue } from '../kernel/json.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import type { Exporting } from './export.ts'
import { differences, type Planning, type Step } from './plan.ts'

export interface KeptEntry {
  readonly path: Path
  /** Unique within its section. */
  readonly name: string
  readonly given: JsonObject
}

export interface Kept {
  readonly kind: Managed
  /** What events call it, where that is not its name. */
  readonly idOf?: (tenant: string) => string
  /** Members that no plan and no event shows. */
  readonly secrets?: readonly string[]
  /** What of the file it is. Faults of form and members without a meaning go to the findings. */
  read(document: JsonObject, findings: Findings): Promise<readonly KeptEntry[]>
  /** As it is now, under the file's names; undefined where there is none. */
  find(nouns: Nouns, tenant: string, name: string): Promise<JsonObject | undefined>
  /** As the entry wants it to be. Throws `DocumentFault` for what only the store can tell. Left out: as it is given. */
  settle?(nouns: Nouns, tenant: string, entry: KeptEntry): Promise<JsonObject>
  put(
    transaction: Transaction,
    tenant: string,
    name: string,
    after: JsonObject,
    now: Instant,
  ): Promise<'put' | 'overtaken'>
  /** What may be removed because the list of the file does not name it. */
  readonly removal?: {
    /** Of all there are. */
    names(nouns: Nouns, tenant: string): Promise<readonly string[]>
    remove(transaction: Transaction, tenant: string, name: string): Promise<'removed' | 'gone'>
  }
  /** Undefined where there is nothing to say. Secrets are left out. */
  export(nouns: Nouns, tenant: string): Promise<JsonValue | undefined>
}

/** By a name of their own, each with the member of the file that it is, or is a part of. What a file does not speak of is not loaded. */
const KEPT = {
  customDomains: ['customDomains', async () => (await import('./custom-domains.ts')).customDomains],
  emailProvider: ['emailProvider', async () => (await import('./email-provider.ts')).emailProvider],
  emailTemplates: ['emailTemplates', async () => (await import('./email-templates.ts')).emailTemplates],
  themes: ['themes', async () => (await import('./themes.ts')).themes],
  promptSettings: ['prompts', async () => (await import('./prompts.ts')).promptSettings],
  customTexts: ['prompts', async () => (await import('./prompts.ts')).customTexts],
  loginPage: ['pages', async () => (await import('./pages.ts')).loginPage],
} as const satisfies Readonly<Record<string, readonly [string, () => Promise<Kept>]>>
type KeptName = keyof typeof KEPT
const KEPT_NAMES = Object.keys(KEPT) as readonly KeptName[]

/** JSON, so that it can be packed. */
export type KeptEntries = Readonly<Record<KeptName, readonly KeptEntry[]>>

/** Members of the file that are read here. */
export const KEPT_SECTIONS: readonly string[] = [...new Set(KEPT_NAMES.map(name => KEPT[name][0]))]

export async function readKept(document: JsonObject, findings: Findings): Promise<KeptEntries> {
  const read: Partial<Record<KeptName, readonly KeptEntry[]>> = {}
  for (const name of KEPT_NAMES) {
    const [section, load] = KEPT[name]
    read[name] = document[section] === undefined ? [] : await (await load()).read(document, findings)
  }
  return read as KeptEntries
}

export async function planKept(planning: Planning, entries: KeptEntries): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const name of KEPT_NAMES)
    for (const entry of entries[name]) {
      await planning.giveWay()
      const step = await planEntry(planning, await KEPT[name][1](), entry)
      if (step) steps.push(step)
    }
  return steps
}

async function planEntry(
  { store, tenant, findings, clock }: Planning,
  kept: Kept,
  entry: KeptEntry,
): Promise<Step | undefined> {
  const { name, path } = entry
  const before = await kept.find(store, tenant, name)
  const after = await settled(store, tenant, kept, entry, findings)
  if (!after || isDeepStrictEqual(before, after)) return undefined
  return {
    kind: kept.kind,
    id: kept.idOf?.(tenant) ?? name,
    name,
    change: before ? 'changed' : 'created',
    changes: differences(before ?? null, after, kept.secrets),
    path,
    async write(transaction) {
      if (!isDeepStrictEqual(await kept.find(transaction, tenant, name), before)) return 'overtaken'
      return (await kept.put(transaction, tenant, name, after, clock())) === 'put' ? 'written' : 'overtaken'
    },
  }
}

/** `lists` are the sections that the file has as lists. */
export async function planKeptRemovals(
  { store, tenant, giveWay }: Planning,
  entries: KeptEntries,
  lists: readonly string[],
): Promise<readonly Step[]> {
  const steps: Step[] = []
  for (const name of KEPT_NAMES) {
    const [section, load] = KEPT[name]
    if (!lists.includes(section)) continue
    const kept: Kept = await load()
    const { removal } = kept
    if (!removal) continue
    const named = new Set(entries[name].map(entry => entry.name))
    for (const gone of await removal.names(store, tenant)) {
      await giveWay()
      const before = named.has(gone) ? undefined : await kept.find(store, tenant, gone)
      if (!before) continue
      steps.push({
        ...{ kind: kept.kind, id: kept.idOf?.(tenant) ?? gone, name: gone, change: 'removed' },
        changes: differences(before, null, kept.secrets),
        path: [section],
        async write(transaction) {
          if (!isDeepStrictEqual(await kept.find(transaction, tenant, gone), before)) return 'overtaken'
          return (await removal.remove(transaction, tenant, gone)) === 'removed' ? 'written' : 'overtaken'
        },
      })
    }
  }
  return steps
}

async function settled(
  nouns: Nouns,
  tenant: string,
  kept: Kept,
  entry: KeptEntry,
  findings: Findings,
): Promise<JsonObject | undefined> {
  try {
    return kept.settle ? await kept.settle(nouns, tenant, entry) : entry.given
  } catch (error) {
    if (!(error instanceof DocumentFault)) throw error
    findings.fault([...entry.path, ...error.path], error.message)
    return undefined
  }
}

/** Each by its member of the file. */
export async function exportKept({ store, tenant }: Exporting): Promise<JsonObject> {
  const exportOf = async (name: KeptName): Promise<JsonValue | undefined> =>
    (await KEPT[name][1]()).export(store, tenant)
  const exported: Record<string, JsonValue | undefined> = {}
  for (const name of ['customDomains', 'emailProvider', 'emailTemplates', 'themes'] as const)
    exported[name] = await exportOf(name)
  const login = await exportOf('loginPage')
  const { exportPageSettings } = await import('./pages.ts')
  const pages = exportPageSettings((await store.tenants.find(tenant))?.settings ?? {})
  if (login !== undefined || pages.length > 0) exported['pages'] = [...(login === undefined ? [] : [login]), ...pages]
  const settings = await exportOf('promptSettings')
  const texts = await exportOf('customTexts')
  if (isObject(settings) || texts !== undefined)
    exported['prompts'] = { ...(isObject(settings) && settings), ...(texts !== undefined && { customText: texts }) }
  return exported
}
