import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { asserted, assertionClaims, signJws } from '../../../tests/fixtures/client-assertion.ts'
import { aClient, anIncoming, ISSUER, NOW, TENANT } from '../../../tests/fixtures/records.ts'
import type { Occasion } from '../../audit/events.ts'
import type { Client } from '../../clients/metadata.ts'
import { createRateLimit } from '../../http/rate-limit.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { SECOND } from '../../kernel/seconds.ts'
import { CLIENT_SECRET_RULE } from '../../policy/guessing.ts'
import type { EventRecord } from '../../store/events.ts'
import type { OAuthServices } from '../feature.ts'
import { authenticateClient } from './authenticate.ts'
import { createSecretBrake } from './secret-brake.ts'

const SECRET = 'a secret: with a colon, + and %'
const SIGNING_SECRET = 'a secret of more than thirty-two characters'
const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const named = (client: Client, id: string): Client => ({ ...client, id })
const CLIENTS = new Map(
  [
    named(aClient({ app_type: 'regular_web' }, { secret: SECRET }), 'web'),
    named(aClient({ app_type: 'spa' }), 'spa'),
    named(aClient({ app_type: 'spa' }, { secret: 'left over from another life' }), 'former'),
    named(aClient({ app_type: 'regular_web' }, { secret: 'plain' }), 'a:b'),
    named(aClient({ app_type: 'regular_web' }), 'secretless'),
    named(aClient({ token_endpoint_auth_method: 'client_secret_jwt' }, { secret: SECRET }), 'signs-by-secret'),
    named(
      aClient({ token_endpoint_auth_method: 'client_secret_jwt', is_first_party: false }, { secret: SECRET }),
      'stranger',
    ),
    named(aClient({ token_endpoint_auth_method: 'private_key_jwt' }, { secret: SECRET }), 'signs-by-key'),
  ].map(client => [client.id, client]),
)
const OCCASION: Occasion = { tenant: TENANT, at: NOW, requestId: 'request-1', address: null, userAgent: null }

const formEncoded = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
const basic = (id: string, secret: string): string => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
const encodedBasic = (id: string, secret: string): string => basic(formEncoded(id), formEncoded(secret))

const newSecretBrake = () =>
  createSecretBrake(createRateLimit(CLIENT_SECRET_RULE), {
    count: async () => ({ state: 'counted', counts: [] }),
    giveBack: async () => {},
    waits: async () => new Map(),
    forget: async () => {},
  })

function authenticate(body: Record<string, string>, authorization?: string, secretBrake = newSecretBrake()) {
  const events: EventRecord[] = []
  const services = {
    clients: { find: async (_tenant: string, id: string) => CLIENTS.get(id) },
    audit: { addSparsely: (_key: string, event: EventRecord) => void events.push(event) },
    clock: () => NOW,
    secretBrake,
  } as unknown as OAuthServices
  const incoming = anIncoming({
    method: 'POST',
    body: new URLSearchParams(body).toString(),
    headers: authorization === undefined ? {} : { authorization },
  })
  return { events, outcome: authenticateClient(services, incoming, OCCASION).then(client => client.id) }
}

describe('a client is believed', () => {
  for (const [body, authorization, id, why] of [
    [{ client_id: 'web', client_secret: SECRET }, undefined, 'web', 'its secret in the body'],
    [{}, encodedBasic('web', SECRET), 'web', 'its secret in the header'],
    [{ client_id: 'web' }, encodedBasic('web', SECRET), 'web', 'its secret in the header, its name in both places'],
    [{}, encodedBasic('web', SECRET).replace('Basic', 'bAsIc'), 'web', 'a scheme in another case'],
    [{}, basic('web', SECRET), 'web', 'its secret in the header, not form-encoded, as some clients forget to'],
    [{}, encodedBasic('a:b', 'plain'), 'a:b', 'a colon in its name, form-encoded'],
    [{ client_id: 'spa' }, undefined, 'spa', 'its name alone, when it is public'],
    [{ client_id: 'spa', client_secret: '' }, undefined, 'spa', 'an empty secret, which counts as none'],
    [{ client_id: 'former' }, undefined, 'former', 'its name alone, though it had a secret before it was public'],
  ] as [Record<string, string>, string | undefined, string, string][])
    test(why, async () => {
      const { outcome, events } = authenticate(body, authorization)
      assert.equal(await outcome, id)
      assert.deepEqual(events, [])
    })
})

describe('a client is refused', () => {
  const refusal = async (body: Record<string, string>, authorization?: string) => {
    const { outcome, events } = authenticate(body, authorization)
    const error = await outcome.then(
      id => assert.fail(`${id} was believed`),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof ProtocolError)
    return { error, events }
  }

  for (const [body, authorization, code, why] of [
    [{}, undefined, 'invalid_client', 'that does not say who it is'],
    [{ client_secret: SECRET }, undefined, 'invalid_client', 'that sends a secret and no name'],
    [{ client_id: 'web' }, undefined, 'invalid_client', 'that has a secret and does not send it'],
    [{ client_id: 'web', client_secret: '' }, undefined, 'invalid_client', 'that has a secret and sends an empty one'],
    [{ client_id: 'web', client_secret: `${SECRET} ` }, undefined, 'invalid_client', 'with a wrong secret'],
    [{ client_id: 'nobody', client_secret: SECRET }, undefined, 'invalid_client', 'that does not exist'],
    [{ client_id: 'spa', client_secret: SECRET }, undefined, 'invalid_client', 'that has no secret and sends one'],
    [
      { client_id: 'former', client_secret: 'left over from another life' },
      undefined,
      'invalid_client',
      'with a secret from before it was public',
    ],
    [
      { client_id: 'secretless', client_secret: '' },
      undefined,
      'invalid_client',
      'that should have a secret and has none',
    ],
    [
      { client_id: 'secretless', client_secret: 'null' },
      undefined,
      'invalid_client',
      'that guesses how no secret is written',
    ],
    [
      { client_id: 'signs-by-secret', client_secret: SECRET },
      undefined,
      'invalid_client',
      'that has a secret to sign with and sends it',
    ],
    [
      { client_id: 'signs-by-key', client_secret: SECRET },
      undefined,
      'invalid_client',
      'that signs by key and sends a secret from another life',
    ],
    [{ client_id: 'signs-by-key' }, undefined, 'invalid_client', 'that signs by key and does not'],
    [{}, encodedBasic('signs-by-key', SECRET), 'invalid_client', 'that signs by key and uses the header'],
    [{ client_id: 'spa', client_assertion: 'x' }, undefined, 'invalid_client', 'with an assertion of no type'],
    [
      { client_id: 'spa', client_assertion: 'x', client_assertion_type: ASSERTION_TYPE },
      undefined,
      'invalid_client',
      'that is public and sends an assertion that is none',
    ],
    [
      { client_assertion: 'x.y.z', client_assertion_type: ASSERTION_TYPE },
      undefined,
      'invalid_client',
      'with an assertion that cannot be read, and no name',
    ],
    [
      { client_id: 'web', client_secret: SECRET, client_assertion: 'x', client_assertion_type: ASSERTION_TYPE },
      undefined,
      'invalid_request',
      'that sends its secret and an assertion',
    ],
    [
      { client_assertion: 'x', client_assertion_type: ASSERTION_TYPE },
      encodedBasic('web', SECRET),
      'invalid_request',
      'that uses the header and sends an assertion',
    ],
    [{}, encodedBasic('web', 'wrong'), 'invalid_client', 'with a wrong secret in the header'],
    [{}, encodedBasic('spa', ''), 'invalid_client', 'that is public and uses the header'],
    [{}, 'Bearer abc', 'invalid_client', 'with a header of another scheme'],
    [{ client_id: 'spa' }, 'Bearer abc', 'invalid_client', 'with a header of another scheme, public or not'],
    [{}, 'Basic !!!', 'invalid_client', 'with a header that is not base64'],
    [{}, `Basic ${Buffer.from('web').toString('base64')}`, 'invalid_client', 'with a header without a colon'],
    [{ client_id: 'spa' }, encodedBasic('web', SECRET), 'invalid_client', 'that says two names'],
    [
      { client_id: 'web', client_secret: SECRET },
      encodedBasic('web', SECRET),
      'invalid_request',
      'that proves itself in two ways',
    ],
    [
      { client_secret: '' },
      encodedBasic('web', SECRET),
      'invalid_request',
      'that proves itself in two ways, one of them empty',
    ],
  ] as [Record<string, string>, string | undefined, string, string][])
    test(why, async () => {
      const { error } = await refusal(body, authorization)
      assert.equal(error.code, code)
      assert.ok(!error.message.includes(SECRET))
    })

  test('in the same words whether it exists or not', async () => {
    const [wrong, unknown] = [
      await refusal({ client_id: 'web', client_secret: 'wrong' }),
      await refusal({ client_id: 'nobody', client_secret: 'wrong' }),
    ]
    assert.deepEqual(
      [wrong.error.message, wrong.error.status, wrong.error.headers],
      [unknown.error.message, unknown.error.status, unknown.error.headers],
    )
  })

  test('with a challenge only when it used the header (RFC 6749 §5.2)', async () => {
    const inHeader = await refusal({}, encodedBasic('web', 'wrong'))
    assert.match(inHeader.error.headers['www-authenticate'] ?? '', /^Basic /)
    const inBody = await refusal({ client_id: 'web', client_secret: 'wrong' })
    assert.deepEqual([inBody.error.status, inBody.error.headers], [401, {}])
  })

  test('on record when it exists, so that guessing at a secret is seen; never with what was guessed', async () => {
    const { events } = await refusal({ client_id: 'web', client_secret: 'a guess' })
    assert.deepEqual(
      events.map(({ type, target, details }) => [type, target?.id, details]),
      [['client.authentication-failed', 'web', { reason: 'secret' }]],
    )
    assert.doesNotMatch(JSON.stringify(events), /a guess/)
    assert.deepEqual((await refusal({ client_id: 'nobody', client_secret: 'x' })).events, [])
  })

  test('for a while after many wrong secrets, known or not, the right one too; of guesses at once no more are judged', async () => {
    const secretBrake = newSecretBrake()
    const asking = async (id: string, secret: string) => {
      const { outcome } = authenticate({ client_id: id, client_secret: secret }, undefined, secretBrake)
      return outcome.catch((error: ProtocolError) => error.code)
    }
    for (const id of ['web', 'nobody']) {
      const told = await Promise.all(Array.from({ length: 64 }, () => asking(id, 'wrong')))
      assert.equal(told.filter(code => code === 'invalid_client').length, CLIENT_SECRET_RULE.free, id)
      assert.equal(await asking(id, SECRET), 'too_many_attempts')
    }
    assert.equal(await asking('a:b', 'plain'), 'a:b', 'another client goes on')
  })
})

test('a client that registered itself has so many assertions remembered, each good once, and is told when to go on', async () => {
  const marks = new Set<string>()
  let now = NOW
  const services = {
    clients: {
      find: async (_tenant: string, id: string) => CLIENTS.get(id),
      secretOf: async () => SIGNING_SECRET,
    },
    store: {
      tickets: {
        mark: async (_tenant: string, _kind: string, id: string) => {
          if (marks.has(id)) return 'seen'
          marks.add(id)
          return 'first'
        },
      },
    },
    audit: { addSparsely: () => {} },
    clock: () => now,
    secretBrake: newSecretBrake(),
    strangerAssertions: createRateLimit({ free: 3, pauses: [SECOND], forgets: SECOND }),
  } as unknown as OAuthServices
  const ask = (assertion: string) =>
    authenticateClient(
      services,
      anIncoming({ method: 'POST', body: new URLSearchParams(asserted(assertion)).toString() }),
      OCCASION,
    ).then(
      ({ id }) => id,
      (error: ProtocolError) => error.headers['retry-after'] ?? error.code,
    )
  const made = (client: string) => signJws(SIGNING_SECRET, assertionClaims(client, ISSUER, {}, now))
  const asking = async (count: number, assertion: () => string) => {
    const told: string[] = []
    for (let index = 0; index < count; index++) told.push(await ask(assertion()))
    return told
  }

  const overheard = made('stranger')
  assert.deepEqual(await asking(1, () => overheard), ['stranger'])
  assert.deepEqual(await asking(5, () => overheard), Array(5).fill('invalid_client'), 'replays take nothing')
  assert.deepEqual(await asking(4, () => made('stranger')), ['stranger', 'stranger', '1', '1'])
  assert.equal(marks.size, 3)
  assert.deepEqual(await asking(5, () => made('signs-by-secret')), Array(5).fill('signs-by-secret'))
  assert.equal(await ask(overheard), '1', 'whatever is not looked up is not taken')
  now += SECOND
  assert.equal(await ask(overheard), 'invalid_client')
  assert.equal(await ask(made('stranger')), 'stranger')
})
