import assert from 'node:assert/strict'
import { test } from 'node:test'
import { packTenantFile, unpackTenantFile } from './packed.ts'
import { parseTenantFile } from './read.ts'

const FILE = `
tenant:
  friendly_name: Films
  default_audience: https://a.example
clients: &all
  - &one
    client_id: films
    name: Films
  - { client_id: b, name: B, adress: 1,
      callbacks: [/one] }
users:
  - email: ann@example.com
    password: correct horse battery

    roles: [Editor]
rules: [1]
`
const PLACES = [
  [],
  ['tenant'],
  ['tenant', 'friendly_name'],
  ['tenant', 'default_audience'],
  ['tenant', 'constructor'],
  ['clients', 0],
  ['clients', 0, 'client_id'],
  ['clients', 0, 'name'],
  ['clients', 1],
  ['clients', 1, 'name'],
  ['clients', 1, 'callbacks'],
  ['clients', 7],
  ['users', 0, 'roles'],
  ['users', 0, 'nickname'],
  ['rules'],
] as const

test('a tenant file that was sent is the same file: its entries, what was found in it, and where everything stands', async () => {
  const parsed = await parseTenantFile({ name: 'films.yaml', text: FILE })
  const sent = unpackTenantFile(JSON.parse(JSON.stringify(packTenantFile(parsed))))
  const { findings: before, outline: _, ...file } = parsed
  const { findings, ...there } = sent
  assert.deepEqual(there, file)
  assert.deepEqual(findings.found(), before.found())
  assert.equal(findings.found().faults.length, 1)
  assert.equal(findings.warnings().length, 2)
  for (const place of PLACES) assert.equal(findings.at(place, 'x'), before.at(place, 'x'))
  assert.deepEqual(
    PLACES.map(place => Number(findings.at(place, 'x').split(':')[1])).slice(3, 11),
    [4, 2, 7, 7, 8, 9, 9, 10],
  )

  findings.fault(['users', 0, 'roles'], 'There is no role.')
  assert.throws(() => findings.settle(), /films\.yaml:10: callbacks holds .+\nfilms\.yaml:15: There is no role\.$/)
})
