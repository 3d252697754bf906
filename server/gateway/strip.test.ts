import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { Arrival, Caller } from './exchange.ts'
import type { Access, CredentialKind, EdgePlan, RoutePlan } from './plan.ts'
import { createStrip, queryWithoutToken } from './strip.ts'

const routeOf = (more: Partial<RoutePlan>): RoutePlan =>
  ({
    access: { kind: 'required' } as Access,
    identity: [],
    identityToken: null,
    forwardCredential: false,
    ...more,
  }) as RoutePlan

const telling = routeOf({ identity: [{ header: 'x-user-id', claim: ['sub'] }] })
const signing = routeOf({ identityToken: { header: 'x-edge-token', issuer: 'e', audience: 'a', lifetimeSeconds: 60 } })
const other = routeOf({})
const strip = createStrip({ routes: [telling, signing, other] } satisfies Pick<EdgePlan, 'routes'>)

/** As Node gives them: by lower-case name, repeated ones joined. */
const arrivalOf = (rawHeaders: readonly string[], more: Partial<Arrival> = {}): Arrival => {
  const headers: Record<string, string> = {}
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const [name, value] = [(rawHeaders[at] as string).toLowerCase(), rawHeaders[at + 1] as string]
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value
  }
  return { rawHeaders, headers, isUpgrade: false, ...more } as Arrival
}
const goesOn = (rawHeaders: readonly string[], route = other, caller: Caller | null = null, more = {}) =>
  strip(arrivalOf(rawHeaders, more), route, caller)

const callerBy = (kind: CredentialKind): Caller => ({ kind }) as Caller

describe('what a client may not say', () => {
  const spellings = [
    'x-user-id',
    'X-User-Id',
    'x_user_id',
    'X_USER_ID',
    'x-user_id',
    'x.user.id',
    'x~user!id',
    'x-edge-token',
    'X_Edge_Token',
    'X-Forwarded-For',
    'x-forwarded-host',
    'X_Forwarded_Proto',
    'x-forwarded-user',
    'X-Forwarded',
    'Forwarded',
    'X-Original-URL',
    'X-Original-Path',
    'X-Rewrite-URL',
    'X-Envoy-Original-Path',
    'X-Accel-Redirect',
    'X-Real-IP',
    'X-HTTP-Method-Override',
    'X-Request-ID',
    'Client-Cert',
    'X-Client-Cert-Chain',
    'X-SSL-Client-Verify',
    'SSL_CLIENT_S_DN',
  ]
  for (const name of spellings)
    for (const [where, route] of [
      ['the route that says it', telling],
      ['another one', other],
    ] as const)
      test(`${name}, on ${where}`, () =>
        assert.deepEqual(goesOn(['Accept', 'a', name, 'root', 'X-User', 'b'], route), ['Accept', 'a', 'X-User', 'b']))

  test('the same, after names enough to fill what is remembered', () => {
    const full = createStrip({ routes: [telling] })
    for (let name = 0; name < 5000; name++) full(arrivalOf([`x-made-up-${name}`, 'a']), telling, null)
    assert.deepEqual(full(arrivalOf(['x_User_id', 'root', 'accept', 'a']), telling, null), ['accept', 'a'])
  })

  test('anything that a service could take for a header of ours, whatever its letters', () => {
    const ours = ['x-user-id', 'x-edge-token', 'x-forwarded-for', 'forwarded', 'authorization', 'connection']
    const fold = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
    const likeOurs = fc
      .tuple(fc.constantFrom(...ours), fc.array(fc.tuple(fc.boolean(), fc.constantFrom('-', '_', '.', '~', '!'))))
      .map(([name, changes]) =>
        [...name]
          .map((letter, at) => {
            const [isUpper, mark] = changes[at] ?? [false, '-']
            return letter === '-' ? mark : isUpper ? letter.toUpperCase() : letter
          })
          .join(''),
      )
    const anyName = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,30}$/)
    fc.assert(
      fc.property(fc.array(fc.oneof(likeOurs, anyName)), names => {
        const on = goesOn(names.flatMap(name => [name, 'v']))
        for (let at = 0; at < on.length; at += 2) assert.ok(!ours.includes(fold(on[at] as string)), on[at] ?? '')
      }),
    )
  })
})

describe('what belongs to one connection', () => {
  test('stays there, and what Connection names with it', () => {
    assert.deepEqual(
      goesOn([
        ...['Connection', 'close, X-Secret ,TE', 'X-Secret', 'a', 'TE', 'trailers', 'Keep-Alive', 'timeout=5'],
        ...[
          'Transfer-Encoding',
          'chunked',
          'Upgrade',
          'h2c',
          'HTTP2-Settings',
          'AAMA',
          'Proxy-Authorization',
          'Basic a',
        ],
        ...['Expect', '100-continue', 'Trailer', 'x', 'Host', 'a.example', 'Accept', '*/*'],
      ]),
      ['Accept', '*/*'],
    )
  })

  test('is said by every Connection header there is', () => {
    assert.deepEqual(goesOn(['Connection', 'close', 'connection', 'x-a', 'X-A', '1', 'X-B', '2']), ['X-B', '2'])
  })

  test('is not the length of the body, whatever Connection says', () => {
    assert.deepEqual(goesOn(['Connection', 'content-length', 'Content-Length', '5']), ['Content-Length', '5'])
    assert.deepEqual(goesOn(['Content_Length', '500']), [], 'nor is another spelling of it anything')
  })
})

describe('a credential', () => {
  const bearer = ['Authorization', 'Bearer t', 'DPoP', 'p']
  const forwarding = routeOf({ forwardCredential: true })
  const open = routeOf({ access: { kind: 'public' }, forwardCredential: true })

  test('goes on to a service that is to have it, once it was judged', () => {
    assert.deepEqual(goesOn(bearer, forwarding, callerBy('bearer')), bearer)
    assert.deepEqual(goesOn(bearer, telling, callerBy('bearer')), [])
  })

  test('that nobody judged does not, or the service would take it for good', () => {
    assert.deepEqual(goesOn(bearer, forwarding, null), [])
    assert.deepEqual(goesOn(bearer, forwarding, callerBy('session')), [])
    assert.deepEqual(goesOn(['Authorization', 'Basic YTpi'], forwarding, callerBy('bearer')), [])
    assert.deepEqual(goesOn(['X-API-Key', 'k', ...bearer], forwarding, callerBy('bearer')), bearer)
  })

  test('is an API key in whichever header it came', () => {
    const apart = ['X-API-Key', 'k']
    assert.deepEqual(goesOn([...apart, 'Authorization', 'Basic YTpi'], forwarding, callerBy('api-key')), apart)
    assert.deepEqual(goesOn(['Authorization', 'Bearer k'], forwarding, callerBy('api-key')), [
      'Authorization',
      'Bearer k',
    ])
    assert.deepEqual(goesOn(['x_api_key', 'k'], forwarding, callerBy('api-key')), [])
  })

  test('of a public route is the service’s to judge, where the file says so', () => {
    assert.deepEqual(goesOn(['Authorization', 'Basic YTpi'], open), ['Authorization', 'Basic YTpi'])
    assert.deepEqual(goesOn(['Authorization', 'Basic YTpi'], routeOf({ access: { kind: 'public' } })), [])
  })

  test('in a cookie of ours or the identity server’s never goes on, and others do', () => {
    assert.deepEqual(
      goesOn(['Cookie', 'a=1; latchkey.edge=s; __Host-latchkey.session=s;__Secure-Latchkey.x=y; b=latchkey.']),
      ['Cookie', 'a=1; b=latchkey.'],
    )
    assert.deepEqual(goesOn(['cookie', 'latchkey.edge=s']), [])
    assert.deepEqual(goesOn(['cookie', 'a=1;  b=2']), ['cookie', 'a=1;  b=2'])
  })

  test('of an upgrade is taken out of the protocols and the query', () => {
    const upgrade = { isUpgrade: true }
    const protocols = (value: string) => goesOn(['Sec-WebSocket-Protocol', value], other, callerBy('bearer'), upgrade)
    assert.deepEqual(protocols('chat, bearer, eyJ.a.b, v2'), ['sec-websocket-protocol', 'chat, v2'])
    assert.deepEqual(protocols('bearer, eyJ.a.b, chat, Bearer, eyJ.c.d'), ['sec-websocket-protocol', 'chat'])
    assert.deepEqual(
      goesOn(
        ['Sec-WebSocket-Protocol', 'bearer', 'sec-websocket-protocol', 'eyJ.a.b, chat'],
        other,
        callerBy('bearer'),
        upgrade,
      ),
      ['sec-websocket-protocol', 'chat'],
    )
    assert.deepEqual(protocols('Bearer, eyJ.a.b'), [])
    assert.deepEqual(protocols('chat'), ['sec-websocket-protocol', 'chat'])
    const without = (query: string) => queryWithoutToken({ isUpgrade: true, query })
    assert.equal(without('?a=%20&access_token=eyJ&b=+'), '?a=%20&b=+')
    assert.equal(without('?access%5Ftoken=eyJ&x=access_token'), '?x=access_token')
    assert.equal(without('?access_token=eyJ'), '')
    assert.equal(queryWithoutToken({ isUpgrade: false, query: '?access_token=a' }), '?access_token=a')
  })
})

describe('everything else', () => {
  test('goes on as it came: order, spelling, repetition', () => {
    const rest = ['aCCept', 'a', 'X-A', '1', 'accept', 'b', 'X-A', '', 'Accept-Language', 'ko', 'User_Agent', 'x']
    assert.deepEqual(goesOn(rest), rest)
  })
})
