import assert from 'node:assert/strict'
import { BlockList } from 'node:net'
import { describe, test } from 'node:test'
import { compileRoutes } from './match.ts'
import type { RoutePlan } from './plan.ts'

type Match = Partial<RoutePlan['match']>

/** Of a route nothing else is looked at here. */
const routeOf = (name: string, match: Match, more: object = {}) =>
  ({ name, cors: null, match: { host: null, path: '/*', methods: null, ...match }, ...more }) as unknown as RoutePlan

function find(routes: readonly RoutePlan[], asked: string, host = 'a.example'): string | undefined {
  const [method = '', path = ''] = asked.split(' ')
  return compileRoutes(routes).find({ method, path, host })?.name
}

const fits = (match: Match, path: string, host?: string): boolean =>
  find([routeOf('it', match)], `GET ${path}`, host) === 'it'

describe('a route', () => {
  test('of one path fits it, with a slash at its end as without, and nothing below', () => {
    for (const path of ['/videos', '/videos/']) {
      assert.ok(fits({ path }, '/videos'))
      assert.ok(fits({ path }, '/videos/'))
      for (const other of ['/', '/video', '/videos2', '/videos/1', '/Videos']) assert.ok(!fits({ path }, other), other)
    }
    assert.ok(fits({ path: '/' }, '/'))
    assert.ok(!fits({ path: '/' }, '/a'))
  })

  test('of what is below a path fits all of that, and not the path itself', () => {
    for (const path of ['/videos/', '/videos/1', '/videos/1/2/']) assert.ok(fits({ path: '/videos/*' }, path), path)
    for (const path of ['/videos', '/videos2/1', '/']) assert.ok(!fits({ path: '/videos/*' }, path), path)
    for (const path of ['/', '/a', '/a/b']) assert.ok(fits({ path: '/*' }, path), path)
  })

  test('that asks for less is known from one that a service might take it for', () => {
    const service = { targets: [{ url: new URL('http://one.example'), weight: 1 }] }
    const asks = (kind: string, upstream: object = service) => ({ access: { kind }, upstream })
    const evaded = (first: object, second: object, path: string) => {
      const table = compileRoutes([routeOf('admin', { path: '/admin/*' }, first), routeOf('all', {}, second)])
      const asked = { method: 'GET', path, host: 'a.example' }
      const route = table.find(asked)
      return route && table.evadedBy(route, asked)?.name
    }
    const [open, guarded] = [asks('public'), asks('required')]
    assert.equal(evaded(guarded, open, '/Admin/x'), 'admin')
    assert.equal(evaded(guarded, asks('optional'), '/ADMIN/x'), 'admin')
    for (const path of ['/admin/X', '/admin2/X', '/x', '/X']) assert.equal(evaded(guarded, open, path), undefined, path)
    assert.equal(evaded(open, open, '/Admin/x'), undefined)
    assert.equal(evaded(open, guarded, '/Admin/x'), undefined)
    assert.equal(evaded(guarded, guarded, '/Admin/x'), undefined)
    const inside = (addresses = new BlockList()) => ({
      access: { kind: 'internal', addresses, clients: [], rule: null },
      upstream: service,
    })
    const one = inside()
    assert.equal(evaded(one, one, '/Admin/x'), undefined)
    assert.equal(evaded(one, inside(), '/Admin/x'), 'admin')
    const elsewhere = { targets: [{ url: new URL('http://two.example'), weight: 1 }] }
    assert.equal(evaded(guarded, asks('public', elsewhere), '/Admin/x'), undefined)
  })

  test('with a named part takes anything but nothing in its place', () => {
    for (const path of ['/films/1/poster', '/films/x.y/poster/']) assert.ok(fits({ path: '/films/:id/poster' }, path))
    for (const path of ['/films/1', '/films//poster', '/films/1/2/poster', '/films/1/poster/x', '/film/1/poster'])
      assert.ok(!fits({ path: '/films/:id/poster' }, path), path)
    assert.ok(fits({ path: '/films/:id/*' }, '/films/1/'))
    assert.ok(fits({ path: '/films/:id/*' }, '/films/1/2/3'))
    assert.ok(!fits({ path: '/films/:id/*' }, '/films/1'))
    assert.ok(fits({ path: '/:any' }, '/x'))
    assert.ok(!fits({ path: '/:any' }, '/'))
  })

  test('of a host fits that host, and one with a star every name below it', () => {
    assert.ok(fits({ host: 'a.example' }, '/', 'a.example'))
    assert.ok(!fits({ host: 'a.example' }, '/', 'b.a.example'))
    assert.ok(!fits({ host: 'a.example' }, '/', ''))
    assert.ok(fits({ host: '*.a.example' }, '/', 'c.b.a.example'))
    for (const host of ['a.example', 'ba.example', '.a.example.']) assert.ok(!fits({ host: '*.a.example' }, '/', host))
  })

  test('of GET answers HEAD too, and no other method', () => {
    const routes = [routeOf('read', { methods: ['GET'] }), routeOf('write', { methods: ['POST', 'PUT'] })]
    assert.deepEqual(
      ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'get'].map(method => find(routes, `${method} /`)),
      ['read', 'read', 'write', 'write', undefined, undefined],
    )
  })

  test('for pages of other origins is found by what they ask before', () => {
    const cors = { origins: ['https://app.example'], credentials: false, maxAgeSeconds: 600 }
    assert.equal(find([routeOf('it', { methods: ['POST'] }, { cors })], 'OPTIONS /'), 'it')
    assert.equal(find([routeOf('it', { methods: ['POST'] })], 'OPTIONS /'), undefined)
  })
})

describe('the first route that fits', () => {
  const routes = [
    routeOf('one', { path: '/a/one' }),
    routeOf('any', { path: '/:first/any' }),
    routeOf('below', { path: '/a/*' }),
    routeOf('all', { path: '/*', methods: ['GET'] }),
    routeOf('late', { path: '/b/late' }),
  ]

  test('counts, in the order of the file, whichever way it is looked for', () => {
    const asked = ['/a/one', '/a/any', '/a/two', '/b/any', '/b/late', '/c', '/']
    assert.deepEqual(
      asked.map(path => find(routes, `GET ${path}`)),
      ['one', 'any', 'below', 'any', 'all', 'all', 'all'],
    )
    assert.equal(find(routes, 'POST /b/late'), 'late')
  })

  test('is none where none fits: no passage', () => {
    assert.equal(find(routes, 'POST /c'), undefined)
    assert.equal(find([], 'GET /'), undefined)
  })

  test('is told by what does not fit in the others', () => {
    const table = compileRoutes([
      routeOf('host', { host: 'b.example' }),
      routeOf('path', { path: '/x' }),
      routeOf('method', { methods: ['POST'] }),
    ])
    const asked = { method: 'GET', host: 'a.example', path: '/' }
    assert.deepEqual(
      table.routes.map(route => route.mismatch(asked)),
      ['host', 'path', 'method'],
    )
  })
})
