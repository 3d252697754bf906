import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { pathToFileURL } from 'node:url'
import { list, yesOrNo } from '../server/gateway/route-file/forms.ts'
import { mapping, needed, usually } from '../server/gateway/route-file/member.ts'
import { because, by, fails, must, warns } from '../tests/conformance/demand.ts'
import {
  findStale,
  type Generator,
  renderConfiguration,
  renderConformance,
  renderErrors,
  renderPipeline,
  renderRouteFile,
  writeAll,
} from './generate.ts'

describe('pages', () => {
  it('an option says its default with the unit', () => {
    const options = [{ name: 'LATCHKEY_IDLE', default: '60', unit: 'seconds', sentence: 'How long to wait.' }]
    assert.match(renderConfiguration(options), /^\| `LATCHKEY_IDLE` \| 60 \(seconds\) \| How long to wait\. \|$/m)
  })

  it('a bar or a line break in a sentence stays in its cell', () => {
    const options = [{ name: 'LATCHKEY_SINK', default: 'none', sentence: 'file|http,\nor both.' }]
    assert.match(renderConfiguration(options), /^\| `LATCHKEY_SINK` \| none \| file\\\|http, or both\. \|$/m)
  })

  it('a member of the route file says its form and default, and a mapping that stands in two places is told once', () => {
    const inner = { after: usually(yesOrNo, true, 'Whether it is.') }
    const page = renderRouteFile({
      one: needed(mapping('a thing', inner), 'The one.'),
      others: usually(list(mapping('a thing', inner)), [], 'The others.'),
    })
    assert.match(page, /^\| `one` \| a mapping, below \| has to be there \| The one\. \|$/m)
    assert.match(page, /^\| `others` \| a list, each of it a mapping, below \| empty \| The others\. \|$/m)
    assert.match(page, /^## `one`\n\nThe same at `others\[\]`\.$/m)
    assert.equal(page.match(/^\| `after` \| true or false \| `true` \| Whether it is\. \|$/gm)?.length, 1)
  })

  it('an error code stands beside its status, and a page error beside the sentence that people read', () => {
    const page = renderErrors({ invalid_client: 401 }, { busy: 503 }, { busy: { what: 'Busy', next: 'Wait.' } })
    assert.match(page, /^\| `invalid_client` \| 401 \|$/m)
    assert.match(page, /^\| `busy` \| 503 \| \*\*Busy\.\*\* Wait\. \|$/m)
  })

  it('a feature is marked in the phases it takes part in and in no other', () => {
    const features = [
      { name: 'pkce', spec: 'RFC 7636', steps: { 'authorize.validate': () => {}, 'token.redeem': () => {} } },
      { name: 'userinfo', spec: 'OpenID Connect Core §5.3', routes: () => [] },
    ]
    const page = renderPipeline(features)
    const columns =
      '| feature | source | authorize.receive | authorize.target | authorize.validate | authorize.respond | token.ask | token.redeem | token.bind | token.shape | answers | grant | endpoints |'
    assert.ok(page.includes(`\n${columns}\n`))
    assert.ok(page.includes('\n| `pkce` | RFC 7636 |  |  | ● |  |  | ● |  |  |  |  |  |\n'))
    assert.ok(page.includes('\n| `userinfo` | OpenID Connect Core §5.3 |  |  |  |  |  |  |  |  |  |  | ● |\n'))
  })

  it('a demand stands beside the test that proves it, or the reason why none can', () => {
    const inShop = by('shop.test.ts')
    const demands = {
      shop: {
        door: fails('There is a door.', inShop('shop: it opens')),
        key: must('There is a key.', inShop('shop: it opens')),
        roof: warns('It is dry.', because('It never rains.')),
      },
      pub: { door: must('There is a door.', inShop('shop: it opens')) },
    }
    const page = renderConformance([{ title: 'Trade', about: 'All of it.', demands, modules: null, insistedOn: null }])
    assert.match(page, /^3 of 4 demands are proven, 1 explained\.$/m)
    assert.ok(page.includes('\n| `shop` | F | There is a door. | [it opens](../shop.test.ts) |\n'))
    assert.ok(page.includes('\n|  |  | There is a key. | ″ |\n'))
    assert.ok(page.includes('\n|  | W | It is dry. | ○ It never rains. |\n'))
    assert.ok(page.includes('\n| `pub` |  | There is a door. | [shop: it opens](../shop.test.ts) |\n'))
  })
})

describe('staleness', () => {
  const path = mkdtempSync(join(tmpdir(), 'latchkey-docs-'))
  const folder = pathToFileURL(`${path}/`)
  const list: readonly Generator[] = [
    { file: 'one.gen.md', source: 'one.ts', render: async () => '# One\n' },
    { file: 'two.gen.md', source: 'two.ts', render: async () => '# Two\n' },
  ]
  before(() => writeAll(list, folder))
  after(() => rmSync(path, { recursive: true }))

  it('what was just written is not stale, and names its source', async () => {
    assert.deepEqual(await findStale(list, folder), [])
    assert.match(await readFile(new URL('one.gen.md', folder), 'utf8'), /Printed from one\.ts/)
  })

  it('a page edited by hand is', async () => {
    await writeFile(new URL('two.gen.md', folder), '# Two, but better\n')
    assert.deepEqual(await findStale(list, folder), ['two.gen.md'])
  })

  it('so is a page that is missing, and one that nothing prints any more', async () => {
    await writeAll(list, folder)
    const [one, ...others] = list
    const three: Generator = { file: 'three.gen.md', source: 'three.ts', render: async () => '' }
    assert.deepEqual(await findStale([...others, three], folder), [(one as Generator).file, 'three.gen.md'])
  })
})
