import assert from 'node:assert/strict'
import { it } from 'node:test'
import { renderResults } from './results.ts'

const at = new Date('2030-01-02T03:04:05Z')
const setting = { commit: 'abc1234', changed: true, machine: { processors: '2 × a kind', node: 'v26' } }
const figures = [{ name: 'tokens', measured: 2, unit: '×', bar: { atLeast: 1.3 } }]

it('a run is kept with what it ran on, and says that it was not what is committed', () => {
  const text = renderResults([{ name: 'tokens', sentence: 'tokens for machines', figures }], at, setting)
  assert.equal(
    text,
    `# Measured on 2030-01-02

Commit abc1234, with changes that were not committed.

- processors: 2 × a kind
- node: v26

## tokens

Tokens for machines.

\`\`\`text
tokens  2.00 ×  at least 1.3 ×  holds
\`\`\`

Every bar holds.
`,
  )
})

it('a bar that was missed is said once more at the end', () => {
  const missing = [{ name: 'tokens', measured: 1, unit: '×', bar: { atLeast: 1.3 } }]
  assert.match(
    renderResults([{ name: 'tokens', sentence: 's', figures: missing }], at, setting),
    /\nMissed: tokens\.\n$/,
  )
})
