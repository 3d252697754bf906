/** The `themes` of a tenant file, of which a tenant has one, as with Auth0. */
import { createTheme, putTheme, readTheme, removeTheme } from '../tenants/branding.ts'
import { findTheme } from '../tenants/look.ts'
import { isAccepted } from './document-entries.ts'
import { entriesOf, without } from './entries.ts'
import type { Kept } from './kept.ts'

/** How the events call it: it has no name of its own. */
const NAME = 'default'
const UNNAMED = 'Theme'

export const themes: Kept = {
  kind: 'theme',

  async read(document, findings) {
    const [entry, ...more] = entriesOf(document, ['themes'], findings)
    for (const { path } of more) findings.fault(path, 'A tenant has one theme.')
    if (!entry) return []
    const given = { displayName: UNNAMED, ...without(entry.given, 'themeId') }
    const isSound = await isAccepted(entry.path, findings, () => readTheme(given))
    return isSound ? [{ path: entry.path, name: NAME, given }] : []
  },

  async find(nouns, tenant) {
    const theme = await findTheme(nouns, tenant)
    return theme && without(theme.document, 'themeId')
  },

  async put(transaction, tenant, _name, after, now) {
    const theme = await findTheme(transaction, tenant)
    if (!theme) return (await createTheme(transaction, tenant, after, now)) === 'taken' ? 'overtaken' : 'put'
    await putTheme(transaction, tenant, { ...theme, document: after }, now)
    return 'put'
  },

  removal: {
    names: async () => [NAME],
    async remove(transaction, tenant) {
      await removeTheme(transaction, tenant)
      return 'removed'
    },
  },

  async export(nouns, tenant) {
    const theme = await themes.find(nouns, tenant, NAME)
    return theme && [theme]
  },
}
