/** Preloaded into a test's process by `mutate.ts`: one file of ours is loaded with one place in it broken. */
import { registerHooks } from 'node:module'
import type { Mutation } from '../tests/conformance/mutation.ts'

const { file, from, to }: Mutation = JSON.parse(process.env['LATCHKEY_MUTATION'] ?? '')
const mutated = new URL(`../${file}`, import.meta.url).href

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (url !== mutated) return loaded
    return { ...loaded, source: String(loaded.source).replace(from, () => to) }
  },
})
