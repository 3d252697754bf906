import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { checkImports, ladder } from './imports.ts'
import { readTree } from './read-imports.ts'

const MANIFESTS = {
  'server/package.json':
    '{"name":"@latchkey/server","dependencies":{"@latchkey/sdk":"1.0.0","jose":"6.0.0","kysely":"0.29.0"}}',
  'sdk/package.json': '{"name":"@latchkey/sdk","exports":{"./verify":"./verify.ts"},"dependencies":{"jose":"6.0.0"}}',
}

const check = (files: Record<string, string>) => checkImports(new Map(Object.entries({ ...MANIFESTS, ...files })))

/** The one import of one file, judged. */
function judge(file: string, specifier: string): string | undefined {
  const violations = check({ [file]: `import { thing } from '${specifier}'\n` })
  assert.ok(violations.length <= 1)
  return violations[0]?.reason
}

describe('what the ladder forbids', () => {
  const forbidden: readonly [file: string, specifier: string, reason: RegExp][] = [
    ['server/keys/signer.ts', '../tokens/mint.ts', /tokens stands above keys/],
    ['server/kernel/clock.ts', '../config/schema.ts', /config stands above kernel/],
    ['server/compose.ts', './main.ts', /main stands above compose/],
    ['server/oauth/authorize.ts', '../login/sign-in.ts', /surfaces meet in a URL/],
    ['server/tenant-file/apply.ts', '../api/clients.ts', /surfaces meet in a URL/],
    ['server/identity/users.ts', '../clients/clients.ts', /meet by id/],
    ['server/policy/rate.ts', '../words/catalogue.ts', /policy is pure|vocabulary of its own/],
    ['server/queues/queue.ts', '../kernel/clock.ts', /queues stands on no rung/],
    ['server/oauth/token.ts', '../queues/queue.ts', /queues stands on no rung/],
    ['server/oauth/token.ts', '../compose.ts', /nobody’s library/],
    ['server/main.ts', './compose.ts', /nobody’s library/],
    ['examples/video/server.ts', '../../server/compose.ts', /nobody’s library/],
    ['server/tokens/mint.ts', 'kysely', /only server\/store/],
    ['server/http/server.ts', 'node:sqlite', /only server\/store/],
    ['server/tokens/mint.ts', 'kysely/helpers/sqlite', /only server\/store/],
    ['tools/seed.ts', 'pg', /only server\/store/],
    ['server/oauth/features/pkce.ts', './par.ts', /a feature must be removable alone/],
    ['server/oauth/features/pkce.ts', './par/lookup.ts', /a feature must be removable alone/],
    ['server/oauth/token.ts', './features/pkce.ts', /given the list/],
    ['server/oauth/token.ts', './features.ts', /given the list/],
    ['server/oauth/features/pkce.ts', '../features.ts', /given the list/],
    ['server/factors/totp.ts', './password.ts', /a factor must be removable alone/],
    ['server/factors/totp.ts', './factors.ts', /a factor must be removable alone/],
    ['server/policy/next-step.ts', '../config/schema.ts', /policy is pure/],
    ['server/policy/next-step.ts', 'node:fs', /policy is pure/],
    ['server/policy/next-step.ts', 'jose', /policy is pure/],
    ['examples/video/server.ts', '../../server/kernel/clock.ts', /an example shows/],
    ['examples/video/server.ts', '../other/server.ts', /an example shows/],
    ['sdk/verify.ts', '../server/kernel/clock.ts', /kernel stands above sdk/],
    ['sdk/verify.ts', '@latchkey/server/kernel/clock.ts', /not a dependency/],
    ['server/oauth/token.ts', 'openid-client', /not a dependency/],
    ['sdk/jwks.ts', 'kysely', /only server\/store/],
    ['sdk/jwks.ts', 'fastify', /not a dependency/],
    ['server/oauth/token.ts', './token.test.ts', /must not need tests/],
    ['server/oauth/token.ts', '../../tests/fixtures/postgres.ts', /must not need tests/],
    ['server/oauth/token.ts', '../../tools/generate.ts', /must not need tests/],
    ['sdk/verify.ts', '../bench/run.ts', /must not need tests/],
    ['server/compose.ts', './store/conformance.ts', /only tests run it/],
    ['tools/generate.ts', '../server/store/conformance.ts', /only tests run it/],
    ['server/gateway/start.ts', '../keys/keyring.ts', /must not be able to reach/],
    ['server/metrics/listen.ts', 'node:http', /the client behind fetch/],
  ]
  for (const [file, specifier, reason] of forbidden) {
    it(`${file} may not import ${specifier}`, () => assert.match(judge(file, specifier) ?? 'allowed', reason))
  }
})

describe('what the ladder allows', () => {
  const allowed: readonly [file: string, specifier: string][] = [
    ['server/serve.ts', './compose.ts'],
    ['server/main.ts', './serve.ts'],
    ['server/compose.ts', './oauth/features.ts'],
    ['server/oauth/features.ts', './features/pkce.ts'],
    ['server/oauth/features/pkce.ts', '../feature.ts'],
    ['server/oauth/features/par.ts', './par/lookup.ts'],
    ['server/oauth/features/pkce.test.ts', './par.ts'],
    ['server/factors/factors.ts', './totp.ts'],
    ['server/factors/totp.ts', './factor.ts'],
    ['server/factors/totp.ts', '../identity/credentials.ts'],
    ['server/oauth/authorize.ts', '../policy/next-step.ts'],
    ['server/tokens/mint.ts', '../keys/signer.ts'],
    ['server/store/sqlite.ts', 'node:sqlite'],
    ['server/store/sqlite.ts', 'kysely'],
    ['server/store/sqlite.test.ts', './conformance.ts'],
    ['server/store/conformance.ts', 'node:test'],
    ['server/kernel/clock.ts', '@latchkey/sdk/verify'],
    ['server/policy/next-step.ts', '../kernel/clock.ts'],
    ['server/gateway/start.ts', '../http/server.ts'],
    ['sdk/jwks.ts', './verify.ts'],
    ['sdk/verify.ts', 'jose'],
    ['examples/video/server.ts', '@latchkey/sdk/verify'],
    ['examples/video/server.ts', './titles.ts'],
    ['examples/video/public/app.js', '/vendor/auth0-spa-js.js'],
    ['tools/start.ts', '../server/compose.ts'],
    ['bench/start.ts', '../server/compose.ts'],
    ['tests/flows/code.test.ts', '../../server/compose.ts'],
    ['tests/fixtures/postgres.ts', 'pg'],
  ]
  for (const [file, specifier] of allowed) {
    it(`${file} may import ${specifier}`, () => assert.equal(judge(file, specifier), undefined))
  }
})

describe('every way of writing an import is read', () => {
  const ways: readonly [name: string, source: string, line: number][] = [
    ['a type', `import type { Mint } from '../tokens/mint.ts'\n`, 1],
    ['several lines', `/** Signs. */\nimport {\n  type Mint,\n  mint,\n} from '../tokens/mint.ts'\n`, 2],
    ['a default beside names', `import mint, { type Mint } from '../tokens/mint.ts'\n`, 1],
    ['a namespace', `import * as mint from '../tokens/mint.ts'\n`, 1],
    ['a side effect', `import '../tokens/mint.ts'\n`, 1],
    ['a re-export', `export { mint } from '../tokens/mint.ts'\n`, 1],
    ['a re-export of everything', `export * from '../tokens/mint.ts'\n`, 1],
    ['a re-exported type', `export type { Mint } from '../tokens/mint.ts'\n`, 1],
    ['after an export without from', `export { sign }\nexport const sign = 1\nimport '../tokens/mint.ts'\n`, 3],
    ['an awaited import', `export const sign = 1\nconst { mint } = await import('../tokens/mint.ts')\n`, 2],
    ['an import in a type', `let mint: import('../tokens/mint.ts').Mint\n`, 1],
    [
      'an import behind a string that looks like a comment',
      `const all = '/keys/*'\nawait import('../tokens/mint.ts')\n`,
      2,
    ],
    ['require', `const mint = require('../tokens/mint.ts')\n`, 1],
  ]
  for (const [name, source, line] of ways) {
    it(name, () => {
      const [violation, ...others] = check({ 'server/keys/signer.ts': source })
      assert.deepEqual(others, [])
      assert.equal(violation?.imports, '../tokens/mint.ts')
      assert.equal(violation?.line, line)
    })
  }

  it('a driver asked for from the process', () => {
    const source = `const { DatabaseSync } = process.getBuiltinModule('node:sqlite')\n`
    assert.match(check({ 'server/keys/signer.ts': source })[0]?.reason ?? '', /only server\/store/)
  })

  it('a computed name is refused in production, and allowed to tools and to pages', () => {
    const source = 'export const load = (name: string) => import(`./$' + '{name}.ts`)\n'
    assert.match(check({ 'server/keys/signer.ts': source })[0]?.reason ?? '', /computed/)
    assert.deepEqual(check({ 'tools/generate.ts': source }), [])
    assert.deepEqual(check({ 'examples/video/public/app.js': source }), [])
  })

  it('what comments say is not an import', () => {
    const source = `// see import('../tokens/mint.ts')\n/** or import('../tokens/mint.ts') */\nconst a = 1 // import('../tokens/mint.ts')\n`
    assert.deepEqual(check({ 'server/keys/signer.ts': source }), [])
  })
})

describe('the edge', () => {
  it('may not reach a store through files it is allowed to import, and the report shows the way', () => {
    const [violation, ...others] = check({
      'server/gateway/start.ts': `import { log } from './log.ts'\n`,
      'server/gateway/log.ts': `import { record } from '../audit/log.ts'\n`,
      'server/audit/log.ts': `import { events } from '../store/events.ts'\n`,
      'server/store/events.ts': '',
    })
    assert.equal(violation?.file, 'server/gateway/start.ts')
    assert.match(
      violation.reason,
      /gateway\/start\.ts → server\/gateway\/log\.ts → server\/audit\/log\.ts → server\/store\/events\.ts$/,
    )
    assert.deepEqual(
      others.map(other => other.file),
      ['server/gateway/log.ts'],
    )
  })

  it('is followed through a circle of imports once', () => {
    const violations = check({
      'server/gateway/start.ts': `import './match.ts'\n`,
      'server/gateway/match.ts': `import './start.ts'\n`,
    })
    assert.deepEqual(violations, [])
  })
})

describe('a start', () => {
  it('loads nothing that waits for somebody who asks for it, and the report shows the way', () => {
    const violations = check({
      'server/serve.ts': `import './compose.ts'\n`,
      'server/compose.ts': `import { managementRoutes } from './api/management.ts'\nimport type { User } from './api/users.ts'\n`,
      'server/api/management.ts': `import { users } from './users.ts'\nimport { Type } from 'typebox'\n`,
      'server/api/users.ts': '',
      'server/package.json': '{"name":"@latchkey/server","dependencies":{"typebox":"1.0.0"}}',
    })
    assert.deepEqual(
      violations.map(({ file, line, imports }) => [file, line, imports]),
      [
        ['server/api/management.ts', 1, './users.ts'],
        ['server/api/management.ts', 2, 'typebox'],
      ],
    )
    assert.match(violations[0]?.reason ?? '', /serve\.ts → server\/compose\.ts → .*management\.ts → .*users\.ts\)$/)
  })

  it('does not load what is imported where somebody needs it', () => {
    const violations = check({
      'server/serve.ts': `import './api/management.ts'\n`,
      'server/api/management.ts': `export const load = () => import('./resources.ts')\n`,
      'server/api/resources.ts': `import './users.ts'\n`,
    })
    assert.deepEqual(violations, [])
  })
})

it('AGENTS.md shows the ladder as it is checked', () => {
  const page = readFileSync(new URL('../AGENTS.md', import.meta.url), 'utf8')
  const drawn = /^```ladder\n([\s\S]+?)\n```$/m.exec(page)?.[1]
  assert.equal(drawn, ladder.map(rung => rung.parts.join(' · ')).join('\n'))
})

it('this repository keeps to the ladder', () => {
  assert.deepEqual(checkImports(readTree(new URL('../', import.meta.url))), [])
})
