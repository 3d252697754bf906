/** The `prompts` of a tenant file: Auth0's settings of them, and what pages say in the tenant's own words. */
import type { Findings } from '../config/findings.ts'
import { isObject, type JsonObject, type JsonValue, withoutNulls } from '../kernel/json.ts'
import {
  changePromptSettings,
  findPromptSettings,
  findTexts,
  isLocale,
  isPrompt,
  listTexts,
  putTexts,
  readPromptSettings,
  readTexts,
} from '../tenants/custom-text.ts'
import { isAccepted, mappingAt } from './document-entries.ts'
import { without } from './entries.ts'
import type { Kept, KeptEntry } from './kept.ts'

const SECTION = 'prompts'
/** Not settings: words, and markup that is not taken. */
const TEXTS = 'customText'
const MARKUP = ['partials', 'screenRenderers'] as const

export const promptSettings: Kept = {
  kind: 'prompt',

  async read(document, findings) {
    const prompts = mappingAt(document, SECTION, findings)
    for (const name of MARKUP)
      if (isFilled(prompts?.[name]))
        findings.warn([SECTION, name], `${name} has no effect: pages on which people enter passwords take no markup.`)
    const given = withoutNulls(without(prompts ?? {}, TEXTS, ...MARKUP))
    if (Object.keys(given).length === 0) return []
    const isSound = await isAccepted([SECTION], findings, () => readPromptSettings(given))
    return isSound ? [{ path: [SECTION], name: 'settings', given }] : []
  },

  find: (nouns, tenant) => findPromptSettings(nouns, tenant),
  settle: async (nouns, tenant, { given }) => ({ ...(await findPromptSettings(nouns, tenant)), ...given }),

  async put(transaction, tenant, _name, after, now) {
    await changePromptSettings(transaction, tenant, after, now)
    return 'put'
  },

  export: (nouns, tenant) => findPromptSettings(nouns, tenant),
}

const isFilled = (value: JsonValue | undefined): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0

export const customTexts: Kept = {
  kind: 'prompt',

  async read(document, findings) {
    const texts = mappingAt(document, SECTION, findings)?.[TEXTS]
    const entries: KeptEntry[] = []
    for (const [language, prompts] of mappings(texts, [SECTION, TEXTS], findings)) {
      if (!isLocale(language)) findings.fault([SECTION, TEXTS, language], 'This is no language, such as en or pt-BR.')
      for (const [prompt, given] of mappings(prompts, [SECTION, TEXTS, language], findings)) {
        const path = [SECTION, TEXTS, language, prompt]
        if (!isPrompt(prompt))
          findings.warn(path, `There is no prompt "${prompt.slice(0, 100)}"; its words have no effect.`)
        else if (await isAccepted(path, findings, () => readTexts(given)))
          entries.push({ path, name: `${prompt}/${language}`, given })
      }
    }
    return entries
  },

  /** Empty where nothing is said, as an export has it too. */
  async find(nouns, tenant, name) {
    const [prompt = '', language = ''] = name.split('/')
    return findTexts(nouns, tenant, language, prompt)
  },

  async put(transaction, tenant, name, after, now) {
    const [prompt = '', language = ''] = name.split('/')
    await putTexts(transaction, tenant, language, prompt, after, now)
    return 'put'
  },

  async export(nouns, tenant) {
    const all = await listTexts(nouns, tenant)
    if (all.length === 0) return undefined
    const byLanguage: Record<string, Record<string, JsonValue>> = {}
    for (const { language, prompt, texts } of all) {
      byLanguage[language] ??= {}
      byLanguage[language][prompt] = texts
    }
    return byLanguage
  },
}

function mappings(
  value: JsonValue | undefined,
  path: readonly string[],
  findings: Findings,
): readonly (readonly [string, JsonObject])[] {
  if (value === undefined || value === null) return []
  if (!isObject(value)) {
    findings.fault(path, `${path.at(-1)} must be a mapping.`)
    return []
  }
  return Object.entries(value).flatMap(([name, inner]) => {
    if (inner === undefined || inner === null) return []
    if (isObject(inner)) return [[name, inner] as const]
    findings.fault([...path, name], `${name} must be a mapping.`)
    return []
  })
}
