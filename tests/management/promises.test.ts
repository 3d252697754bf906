/**
 * What the Management API promises of every operation, asked of every operation: the list of them is walked through, and
 * one without an example of its own (`fixtures/management-examples.ts`) fails.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Check } from 'typebox/value'
import { stringify } from 'yaml'
import type { Operation } from '../../server/api/operation.ts'
import { operations } from '../../server/api/resources.ts'
import { MANAGEMENT_SCOPES } from '../../server/clients/management-scopes.ts'
import type { JsonObject } from '../../server/kernel/json.ts'
import type { Log } from '../../server/kernel/log.ts'
import type { EventRecord } from '../../server/store/events.ts'
import { packTenantFile } from '../../server/tenant-file/packed.ts'
import { parseTenantFile, readTenantFile } from '../../server/tenant-file/read.ts'
import { dump } from '../fixtures/dump.ts'
import { type Management, startManagement } from '../fixtures/management.ts'
import { EXAMPLES, type Example, type Site } from '../fixtures/management-examples.ts'

const ADDRESS = '192.0.2.7'
/** Events of what goes on behind an answer. */
const FOLLOWS = /^(token\.issued|mail\..*|users-(import|export)\.ended)$/
const OTHER = { tenant: 'other', issuer: 'https://other.example/' } as const
const SECRET_OF_OTHER = 'the secret of the machine of the other tenant'

/** What may be asked twice, and what it answers then; anything else is a duplicate. */
const AGAIN: Readonly<Record<string, number>> = {
  'POST /blacklists/tokens': 204,
  'POST /clients': 201,
  'POST /clients/:client_id/credentials': 201,
  'POST /clients/:id/rotate-secret': 200,
  'POST /custom-domains/:id/verify': 200,
  'POST /jobs/users-exports': 200,
  'POST /jobs/users-imports': 202,
  'POST /jobs/verification-email': 201,
  'POST /keys/signing/rotate': 201,
  'POST /organizations/:id/invitations': 200,
  'POST /organizations/:id/members': 204,
  'POST /organizations/:id/members/:user/roles': 204,
  'POST /refresh-tokens/revoke': 202,
  'POST /roles/:id/permissions': 201,
  'POST /roles/:id/users': 200,
  'POST /sessions/:id/revoke': 404,
  'POST /tickets/email-verification': 201,
  'POST /tickets/password-change': 201,
  'POST /users/:id/permissions': 201,
  'POST /users/:id/revoke-access': 202,
  'POST /users/:id/roles': 204,
}

const keyOf = ({ method, path }: Operation) => `${method} ${path}`
const isWrite = ({ method }: Operation) => method !== 'GET'
const hasParameters = ({ path }: Operation) => path.includes(':')

const makeFor = (operation: Operation) => {
  const others = operations.filter(({ path }) => path === operation.path).map(keyOf)
  const key = isWrite(operation) ? keyOf(operation) : [keyOf(operation), ...others].find(one => EXAMPLES[one])
  return EXAMPLES[key ?? ''] ?? assert.fail(`There is no example of ${keyOf(operation)}`)
}

interface Sent {
  readonly method: string
  readonly path: string
  readonly query?: string | undefined
  readonly body?: unknown
  readonly form?: Readonly<Record<string, string>> | undefined
  readonly token?: string | null
}
interface Got {
  readonly status: number
  readonly text: string
  readonly body: JsonObject
}

const BOUNDARY = 'the-parts-of-a-form'
const formOf = (parts: Readonly<Record<string, string>>) =>
  [
    ...Object.entries(parts).map(([name, value]) => {
      const file = name === 'users' ? '; filename="users.json"' : ''
      return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`
    }),
    `--${BOUNDARY}--\r\n`,
  ].join('')

const fill = (path: string, values: Readonly<Record<string, string>> = {}) =>
  path.replace(/:(\w+)/g, (_, name: string) =>
    encodeURIComponent(values[name] ?? assert.fail(`${path} has no ${name}`)),
  )

describe('Every operation of the Management API', () => {
  let management: Management
  let home: Site & { send(sent: Sent): Promise<Got> }
  let abroad: typeof home
  const secrets: string[] = []
  const said: string[] = []
  const log: Log = Object.fromEntries(
    ['debug', 'info', 'warn', 'error'].map(level => [
      level,
      (fields: object, message: string) => said.push(`${level} ${message} ${told(fields)}`),
    ]),
  ) as unknown as Log

  before(async () => {
    management = await startManagement({
      log,
      environment: { LATCHKEY_MANAGEMENT_CALLS: '0' },
      findDnsTexts: async () => [...proofs],
    })
    const { latchkey, issuer, environment } = management.server
    home = siteOf(management, 'default', issuer, management.token)
    await latchkey.operate('tenants create', { name: 'Other', issuer: OTHER.issuer })
    const file = join(environment['LATCHKEY_DATA'] ?? '', 'other.yaml')
    const machine = { client_id: 'other-root', client_secret: SECRET_OF_OTHER }
    const audience = `${OTHER.issuer}api/v2/`
    writeFileSync(
      file,
      stringify({
        clients: [{ ...machine, name: 'Root', app_type: 'non_interactive' }],
        clientGrants: [{ client_id: machine.client_id, audience, scope: Object.keys(MANAGEMENT_SCOPES) }],
      }),
    )
    await latchkey.operate('apply', {
      tenant: OTHER.tenant,
      file: packTenantFile(await parseTenantFile(readTenantFile(file))),
      removes: false,
    })
    const answer = await latchkey.http.inject({
      method: 'POST',
      url: '/oauth/token',
      headers: { host: new URL(OTHER.issuer).host },
      payload: { ...machine, grant_type: 'client_credentials', audience },
    })
    abroad = siteOf(management, OTHER.tenant, OTHER.issuer, (answer.json() as { access_token: string }).access_token)
  })
  after(() => management?.close())

  /** What the DNS says of every domain. */
  const proofs = new Set<string>()
  let names = 0

  function siteOf({ call, server }: Management, tenant: string, issuer: string, token: string): typeof home {
    const { http, store } = server.latchkey
    const send = async ({ method, path, query, body, form, token: by = token }: Sent): Promise<Got> => {
      if (form && by) {
        // It is read from a socket, and slowly.
        const headers = { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` }
        const { status, body: answer } = await call<JsonObject>(method, path, formOf(form), {
          token: by,
          headers,
        })
        return { status, text: JSON.stringify(answer), body: answer }
      }
      const answer = await http.inject({
        method: method as 'GET',
        url: `/api/v2${path}${query === undefined ? '' : `?${query}`}`,
        remoteAddress: ADDRESS,
        headers: {
          host: new URL(issuer).host,
          ...(by !== null && { authorization: `Bearer ${by}` }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const isJson = answer.headers['content-type']?.startsWith('application/json') === true
      return { status: answer.statusCode, text: answer.body, body: isJson ? answer.json() : {} }
    }
    return {
      tenant,
      store,
      now: Date.now(),
      send,
      async call(method, path, body) {
        const got = await send({ method, path, body })
        assert.ok(got.status < 300, `${method} ${path}: ${got.status} ${got.text}`)
        collect(got.body)
        return got.body
      },
      name: () => `thing-${++names}`,
      secret: () => {
        const secret = `S3cret-Mark-${++names}-of-Nobody-Else-at-All`
        secrets.push(secret)
        return secret
      },
    }
  }

  /** What is answered once and nobody is to find again; and what proves whose a domain is. */
  function collect(answer: JsonObject): void {
    const { client_secret, ticket, verification, ...rest } = answer
    if (typeof client_secret === 'string') secrets.push(client_secret)
    if (typeof ticket === 'string') secrets.push(ticket.split(/ticket=|\//).at(-1) ?? ticket)
    for (const found of JSON.stringify({ verification, rest }).matchAll(/"record":"([^"]+)"/g))
      proofs.add(found[1] ?? '')
  }

  const exampleOf = async (operation: Operation, site = home) => makeFor(operation)(site)
  const foreign = new Map<string, Promise<Example>>()
  /** By the path: nothing that is asked of a thing abroad does anything to it. */
  const foreignTo = (operation: Operation): Promise<Example> => {
    const example = foreign.get(operation.path) ?? exampleOf(operation, abroad)
    foreign.set(operation.path, example)
    return example
  }
  const sentFor = (operation: Operation, { path, query, body, form }: Example): Sent => ({
    method: operation.method,
    path: fill(operation.path, path),
    query,
    body,
    form,
  })

  async function eventsDuring(site: Site, act: () => Promise<void>): Promise<EventRecord[]> {
    // By what is new: of one millisecond, an id says nothing of the order.
    const newest = (limit: number) => site.store.events.search(site.tenant, {}, { order: 'newest-first', limit })
    const known = new Set((await newest(200)).map(({ id }) => id))
    await act()
    return (await newest(100)).filter(({ id, type }) => !known.has(id) && !FOLLOWS.test(type))
  }

  test('has an example, and there is none of another', () => {
    for (const operation of operations) if (isWrite(operation) || hasParameters(operation)) makeFor(operation)
    assert.deepEqual(
      Object.keys(EXAMPLES).filter(key => !operations.some(operation => keyOf(operation) === key)),
      [],
    )
  })

  test('lets nobody in without a token, nor with one that has none of its scopes, which it names', async () => {
    const token = await management.tokenWith('read:revocations')
    for (const operation of operations) {
      const sent = { method: operation.method, path: operation.path.replaceAll(':', '') }
      const [stranger, visitor] = [await home.send({ ...sent, token: null }), await home.send({ ...sent, token })]
      assert.equal(stranger.status, 401, keyOf(operation))
      assert.deepEqual([visitor.status, visitor.body['errorCode']], [403, 'insufficient_scope'], keyOf(operation))
      const rule = operation.scopes
      const expected = 'allOf' in rule ? `all of: ${rule.allOf.join(',')}` : `any of: ${rule.join(',')}`
      assert.equal(visitor.body['message'], `Insufficient scope, expected ${expected}`, keyOf(operation))
    }
  })

  describe('that writes', () => {
    for (const operation of operations.filter(isWrite))
      test(`is an event of who, from where and what: ${keyOf(operation)}`, async () => {
        const example = await exampleOf(operation)
        const sent = sentFor(operation, example)
        const got: Got[] = []
        const events = await eventsDuring(home, async () => {
          got.push(await home.send(sent))
        })
        const [{ status, text, body }] = got as [Got]
        if (example.isRefused) {
          assert.ok(status >= 400 && status < 500, `${status} ${text}`)
          return assert.deepEqual(events, [])
        }
        assert.ok(String(status) in operation.answers, `${status} ${text}`)
        collect(body)
        if (example.changesNothing) return assert.deepEqual(events, [])
        const own = events.filter(({ actor }) => actor.kind === 'client' && actor.id === management.machine.client_id)
        assert.ok(own.length > 0, `no event of it among ${JSON.stringify(events)}`)
        for (const { personal } of own) assert.equal(personal['address'], example.form ? '127.0.0.1' : ADDRESS)
        for (const { type, details, personal } of own)
          if (/\.(created|changed)$/.test(type) && !type.startsWith('key.') && type !== 'user.created')
            assert.notDeepEqual(personal['changes'] ?? details['changes'], {}, type)
        if (operation.method === 'DELETE') return
        const again = await eventsDuring(home, async () => {
          got.push(await home.send(sent))
        })
        const told = again.map(({ type }) => type)
        if (operation.method === 'POST') {
          const expected = AGAIN[keyOf(operation)] ?? 409
          assert.equal(got[1]?.status, expected, `a duplicate: ${got[1]?.text}`)
          if (expected === 409) assert.deepEqual(told, [])
          return
        }
        assert.deepEqual(told, example.secrets ? told : [], 'what changes nothing is no event')
      })

    test('leaves no secret in the clear, in the database or the log', async () => {
      assert.ok(secrets.length > 50)
      const all = await dump(management.server.environment)
      const lines = said.join('\n')
      for (const secret of secrets) {
        assert.ok(!all.includes(secret), `${secret} is in the database`)
        assert.ok(!lines.includes(secret), `${secret} is in the log`)
      }
    })
  })

  test('knows nothing of another tenant, named in the path', async () => {
    for (const operation of operations.filter(hasParameters)) {
      const [here, there] = [await exampleOf(operation), await foreignTo(operation)]
      for (const [name, own] of Object.entries(here.path ?? {})) {
        const id = there.path?.[name] ?? ''
        // A name that is the same in every tenant is nobody's id.
        if (id === own) continue
        const example = { ...here, path: { ...here.path, [name]: id } }
        let got: Got | undefined
        const events = await eventsDuring(abroad, async () => {
          got = await home.send(sentFor(operation, example))
        })
        // As Auth0 answers: it is not there, which is all that was asked for.
        const isRemoval = ['DELETE /connections/:id', 'DELETE /users/:id'].includes(keyOf(operation))
        assert.equal(got?.status, isRemoval ? 204 : 404, `${keyOf(operation)} of ${name}: ${got?.text}`)
        assert.deepEqual(events, [], keyOf(operation))
      }
    }
  })

  test('knows nothing of another tenant, named in the body', async () => {
    let count = 0
    for (const operation of operations.filter(({ method, body }) => method !== 'GET' && body !== null)) {
      const [here, there] = [await exampleOf(operation), await exampleOf(operation, abroad)]
      for (const [place, body] of exchanged(here.body, there.body)) {
        count++
        let got: Got | undefined
        const told: EventRecord[] = []
        const events = await eventsDuring(abroad, async () => {
          told.push(
            ...(await eventsDuring(home, async () => {
              got = await home.send(sentFor(operation, { ...here, body }))
            })),
          )
        })
        // To take away what is not there is to change nothing.
        if (!got || got.status >= 300)
          assert.ok([400, 404].includes(got?.status ?? 0), `${keyOf(operation)} ${got?.text}`)
        else assert.deepEqual(told, [], `${keyOf(operation)} took ${place}: ${got.text}`)
        assert.deepEqual(events, [], keyOf(operation))
      }
    }
    assert.ok(count > 20, `${count} ids`)
  })

  describe('that changes a document', () => {
    /** Of the same thing, two changes that have no member in common. */
    const CHANGES: Readonly<
      Record<string, (site: Site) => Promise<[path: string, one: JsonObject, other: JsonObject]>>
    > = {
      'a letter': async site => {
        await site.call('PUT', '/email-templates/stolen_credentials', { body: '<p>Hello</p>', syntax: 'liquid' })
        return ['/email-templates/stolen_credentials', { subject: 'One' }, { from: 'two@example.com' }]
      },
      'how pages look': async () => [
        '/branding',
        { logo_url: 'https://one.example/' },
        { favicon_url: 'https://two.example/' },
      ],
      'what pages ask first': async () => [
        '/prompts',
        { identifier_first: false },
        { webauthn_platform_first_factor: true },
      ],
      'the tenant': async () => ['/tenants/settings', { friendly_name: 'One' }, { support_email: 'two@example.com' }],
      'a connection': async site => {
        const { id } = await site.call('POST', '/connections', { name: site.name(), strategy: 'oauth2' })
        return [`/connections/${id}`, { display_name: 'One' }, { show_as_button: true }]
      },
      'an organization': async site => {
        const { id } = await site.call('POST', '/organizations', { name: site.name() })
        return [`/organizations/${id}`, { display_name: 'One' }, { metadata: { two: 'Two' } }]
      },
      'a role': async site => {
        const { id } = await site.call('POST', '/roles', { name: site.name() })
        return [`/roles/${id}`, { name: site.name() }, { description: 'Two' }]
      },
      'a client': async site => {
        const { client_id } = await site.call('POST', '/clients', { name: site.name() })
        return [`/clients/${client_id}`, { description: 'One' }, { logo_uri: 'https://two.example/' }]
      },
      'an API': async site => {
        const { id } = await site.call('POST', '/resource-servers', { identifier: `https://${site.name()}.example/` })
        return [`/resource-servers/${id}`, { name: 'One' }, { token_lifetime: 7200 }]
      },
      'a protection': async () => [
        '/attack-protection/brute-force-protection',
        { max_attempts: 9 },
        { allowlist: ['192.0.2.1'] },
      ],
      'the mail server': async site => {
        await site.call('DELETE', '/emails/provider').catch(() => {})
        const credentials = { smtp_host: 'mail.example.com', smtp_port: 587, smtp_user: 'us', smtp_pass: site.secret() }
        await site.call('POST', '/emails/provider', { name: 'smtp', credentials })
        return ['/emails/provider', { enabled: false }, { default_from_address: 'two@example.com' }]
      },
      'a domain': async site => {
        const given = { domain: `${site.name()}.example`, type: 'self_managed_certs' }
        const { custom_domain_id } = await site.call('POST', '/custom-domains', given)
        return [
          `/custom-domains/${custom_domain_id}`,
          { domain_metadata: { one: 'One' } },
          { custom_client_ip_header: 'cf-connecting-ip' },
        ]
      },
    }

    let elsewhere: Management
    before(async () => {
      elsewhere = await startManagement({ store: 'postgres', environment: { LATCHKEY_MANAGEMENT_CALLS: '0' } })
    })
    after(() => elsewhere?.close())
    const sites = {
      sqlite: () => home,
      postgres: () => siteOf(elsewhere, 'default', elsewhere.server.issuer, elsewhere.token),
    }

    for (const [store, site] of Object.entries(sites))
      for (const [what, make] of Object.entries(CHANGES))
        test(`keeps both of two changes made at once: ${what}, on ${store}`, async () => {
          const { send, ...rest } = site()
          const [path, one, other] = await make(rest)
          const answers = await Promise.all([one, other].map(body => send({ method: 'PATCH', path, body })))
          for (const { status, text } of answers) assert.equal(status, 200, text)
          const kept = await rest.call('GET', path)
          for (const [name, value] of Object.entries({ ...one, ...other })) assert.deepEqual(kept[name], value, name)
        })
  })

  test('takes no junk: what is wrong is named, and nothing is our fault', async () => {
    const harmless = async (operation: Operation, sent: Sent): Promise<Got> => {
      const got = await home.send(sent)
      const what = `${keyOf(operation)} ${sent.path} ${sent.query} ${JSON.stringify(sent.body)}`.slice(0, 500)
      assert.ok(got.status < 500, `${what}: ${got.text}\n${said.at(-1)}`)
      return got
    }
    for (const operation of operations) {
      const example = isWrite(operation) || hasParameters(operation) ? await exampleOf(operation) : {}
      const sent = sentFor(operation, example)
      for (const name of Object.keys(example.path ?? {}))
        for (const value of JUNK)
          await harmless(operation, { ...sent, path: fill(operation.path, { ...example.path, [name]: value }) })
      for (const name of Object.keys(operation.query?.properties ?? {}))
        for (const value of JUNK) {
          const query = new URLSearchParams(sent.query)
          query.set(name, value)
          await harmless(operation, { ...sent, query: query.toString() })
        }
      if (!operation.body || operation.takesForm) continue
      for (const text of ['{"a":"\\u0000"}', '{"__proto__":{}}', '"x"', '7', '['])
        assert.equal((await harmless(operation, { ...sent, body: text })).status, 400, keyOf(operation))
      for (const { name, body, isWrong } of junkFor(operation.body as Shape, example.body)) {
        const { status, text, body: told } = await harmless(operation, { ...sent, body })
        if (!isWrong) continue
        assert.equal(status, 400, `${keyOf(operation)} ${JSON.stringify(body).slice(0, 500)}: ${text}`)
        assert.ok(String(told['message']).includes(name), `${keyOf(operation)} does not name ${name}: ${text}`)
      }
    }
  })
})

const JUNK = [`'"; drop table users; --`, '-1e999', '{"a":[💥'] as const

interface Shape {
  readonly type?: string
  readonly additionalProperties?: unknown
  readonly properties?: Readonly<Record<string, Shape>>
  readonly items?: Shape
}

const deep = (levels: number): object => (levels === 0 ? {} : { a: deep(levels - 1) })
const KINDS: readonly unknown[] = [7.5, true, null, [[]], deep(20)]
const TEXTS: readonly unknown[] = [`'"; drop table users; --{{ 7 | times: 7 }}{% if %}`, 1e300]

interface Junk {
  readonly name: string
  readonly body: unknown
  /** The schema says so. */
  readonly isWrong: boolean
}

/** Sound bodies but for one member: of another kind, of no use, or unknown. */
function junkFor(schema: Shape, sound: unknown): Junk[] {
  if (schema.items) {
    const [first = {}] = sound as readonly unknown[]
    return junkFor(schema.items, first).map(junk => ({ ...junk, body: [junk.body] }))
  }
  const withMember = (name: string, value: unknown, isWrong: boolean): Junk => ({
    name,
    body: { ...(sound as object), [name]: value },
    isWrong,
  })
  const members = Object.entries(schema.properties ?? {}).flatMap(([name, member]) => {
    const isWrong = (value: unknown) => !Check(member as never, value)
    const wrong = KINDS.filter(isWrong).slice(0, 1)
    return [...wrong, ...TEXTS].map(value => withMember(name, value, isWrong(value)))
  })
  return [...members, withMember('nobody_knows', deep(5), schema.additionalProperties === false)]
}

/** A text that no other call of an example has is made up for it; what is left is an id. */
const isMadeUp = (text: string) => /^thing-\d|<p>|Mark|BEGIN|\.new\./.test(text)

/** The one body with an id of the other's in it, once for each that it has. */
function* exchanged(one: unknown, other: unknown, place = ''): Generator<[place: string, body: unknown]> {
  if (typeof one === 'string' && typeof other === 'string') {
    if (one !== other && !isMadeUp(one)) yield [place, other]
  } else if (Array.isArray(one) && Array.isArray(other)) {
    for (const [index, member] of one.entries())
      for (const [where, body] of exchanged(member, other[index], `${place}.${index}`))
        yield [where, one.with(index, body)]
  } else if (typeof one === 'object' && one !== null) {
    for (const [name, member] of Object.entries(one))
      for (const [where, body] of exchanged(member, (other as JsonObject)[name], `${place}.${name}`))
        yield [where, { ...one, [name]: body }]
  }
}

const told = (fields: object): string =>
  JSON.stringify(fields, (_, value: unknown) =>
    value instanceof Error ? `${value.stack} ${JSON.stringify({ ...value })}` : value,
  )
