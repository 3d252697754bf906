/**
 * Every unit test in one process, as one file of `npm test`: beside the others it fills the processor that they leave
 * idle. `npm run test:units` runs the same without it.
 */
import { globSync } from 'node:fs'
import { describe } from 'node:test'

const ROOT = new URL('../', import.meta.url)

// Of a suite nothing runs before all of it is there: hooks of a file would otherwise meet tests that have begun.
describe('units', async () => {
  for (const file of globSync('{server,sdk,examples,tools,bench}/**/*.test.ts', { cwd: ROOT }).sort())
    await import(new URL(file, ROOT).href)
})
