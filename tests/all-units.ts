/**
 * Every unit test in one process, as one file of `npm test`: beside the others it fills the processor that they leave
 * idle. `npm run test:units` runs the same without it.
 */
import { globSync } from 'node:fs'

const ROOT = new URL('../', import.meta.url)

for (const file of globSync('{server,sdk,examples,tools,bench}/**/*.test.ts', { cwd: ROOT }).sort())
  await import(new URL(file, ROOT).href)
