import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  aClient,
  aConnection,
  anAuthorization,
  anOrganization,
  aSession,
  aUser,
  NOW,
} from '../../tests/fixtures/records.ts'
import { ProtocolError } from '../kernel/errors.ts'
import { assertActive, assertActiveMachine, type Person } from './assert-active.ts'

const CONNECTION = aConnection()
const sound: Person = {
  user: aUser(),
  client: aClient(),
  connection: CONNECTION,
  organization: null,
  authorization: anAuthorization(),
  session: aSession(),
  now: NOW,
}

const ORGANIZATION = anOrganization()
const WITHIN: Partial<Person> = {
  client: aClient({ organization_usage: 'allow' }),
  organization: { organization: ORGANIZATION, isMember: true, connection: {} },
  authorization: anAuthorization({ organization: 'org_1' }),
}

describe('the gate opens', () => {
  for (const [change, why] of [
    [{}, 'when everything counts'],
    [{ authorization: null }, 'before there is an authorization'],
    [{ session: null }, 'for what outlives its session'],
    [{ client: aClient({ require_verified_email: true }) }, 'for a confirmed address where the client wants it so'],
    [{ user: aUser({ emailVerified: false }) }, 'for an unconfirmed one where the client does not'],
    [{ authorization: null, session: null }, 'for what has neither'],
    [{ connection: aConnection({ clients: ['app', 'other'] }) }, 'for a client that the connection is enabled for'],
    [
      {
        client: aClient({ is_first_party: false }),
        connection: aConnection({ clients: [], settings: { is_domain_connection: true } }),
      },
      'for somebody else’s client, through a connection of the domain',
    ],
    [{ ...WITHIN }, 'for a member of an organization'],
    [{ ...WITHIN, client: aClient({ organization_usage: 'require' }) }, 'for one where the client demands it'],
    [{ now: NOW + 999 }, 'in the last millisecond of the session'],
    [
      {
        user: aUser({ epoch: 3 }),
        session: aSession({ userEpoch: 3 }),
        authorization: anAuthorization({ userEpoch: 3 }),
      },
      'for somebody who signed in again after being signed out everywhere',
    ],
    [
      { client: aClient({}, { epoch: 2 }), authorization: anAuthorization({ clientEpoch: 2 }) },
      'for a client whose tokens were once revoked',
    ],
  ] as [Partial<Person>, string][])
    test(why, () => {
      const person = { ...sound, ...change }
      const { client, user, organization } = assertActive(person)
      const within = person.organization?.organization ?? null
      assert.deepEqual([client, user, organization], [person.client, person.user, within])
    })

  test('for a machine, which stands for itself', () => {
    const client = aClient()
    const { user, organization, client: same } = assertActiveMachine(client)
    assert.deepEqual([user, organization, same], [null, null, client])
  })
})

describe('the gate refuses', () => {
  for (const [change, says, why] of [
    [{ connection: aConnection({ clients: ['other'] }) }, /not enabled/, 'a client that the connection is not for'],
    [
      { connection: aConnection({ clients: [], settings: { is_domain_connection: true } }) },
      /not enabled/,
      'an own client that a connection of the domain is not for',
    ],
    [{ user: undefined }, /no longer exists/, 'a person who was deleted'],
    [{ user: aUser({ blocked: true }) }, /user is blocked/, 'a person who is blocked, in the words that SDKs look for'],
    [
      { client: aClient({ require_verified_email: true }), user: aUser({ emailVerified: false }) },
      /verify your email/,
      'an unconfirmed address, for a client that wants it confirmed',
    ],
    [{ connection: undefined }, /connection/, 'a person whose connection was removed'],
    [{ connection: { ...CONNECTION, tenant: 'other' } }, /connection/, 'a connection of another tenant'],
    [{ client: { ...aClient(), tenant: 'other' } }, /another tenant/, 'a client of another tenant'],
    [{ authorization: anAuthorization({ state: 'killed' }) }, /revoked/, 'an authorization that was killed'],
    [
      { authorization: anAuthorization({ subject: 'auth0|eve' }) },
      /somebody else/,
      'an authorization of somebody else',
    ],
    [{ authorization: anAuthorization({ client: 'other' }) }, /somebody else/, 'an authorization for another client'],
    [
      { user: aUser({ epoch: 1 }), session: aSession({ userEpoch: 1 }) },
      /revoked/,
      'what was given before a sign-out everywhere',
    ],
    [{ authorization: anAuthorization({ userEpoch: 1 }) }, /revoked/, 'what carries a higher epoch than its user'],
    [{ client: aClient({}, { epoch: 1 }) }, /revoked/, 'what was given before the client was revoked'],
    [
      { ...WITHIN, organization: { organization: ORGANIZATION, isMember: false, connection: {} } },
      /user auth0\|\w+ is not part of the org_1 organization/,
      'a person who has left the organization',
    ],
    [
      { ...WITHIN, organization: { organization: ORGANIZATION, isMember: true, connection: null } },
      /not enabled for the organization/,
      'a member by a connection that the organization has no more',
    ],
    [
      { ...WITHIN, organization: { organization: ORGANIZATION, isMember: true, connection: { is_enabled: false } } },
      /not enabled for the organization/,
      'a member by one that is not in use there',
    ],
    [{ ...WITHIN, organization: undefined }, /organization no longer exists/, 'an organization that was removed'],
    [{ ...WITHIN, organization: null }, /another organization/, 'what was given within an organization, outside of it'],
    [{ ...WITHIN, authorization: anAuthorization() }, /another organization/, 'what was given outside, within one'],
    [
      { ...WITHIN, authorization: anAuthorization({ organization: 'org_2' }) },
      /another organization/,
      'what was given within another organization',
    ],
    [
      {
        ...WITHIN,
        organization: { organization: { ...ORGANIZATION, tenant: 'other' }, isMember: true, connection: {} },
      },
      /another tenant/,
      'an organization of another tenant',
    ],
    [{ ...WITHIN, client: aClient() }, /not allowed for this client/, 'a client that knows no organizations'],
    [
      { client: aClient({ organization_usage: 'require' }) },
      /required for this client/,
      'a person by themselves, where the client demands an organization',
    ],
    [{ session: undefined }, /session/, 'a session that is gone'],
    [{ session: aSession({ endedAt: NOW - 1 }) }, /session/, 'a session that was ended'],
    [{ session: aSession({ user: 'auth0|eve' }) }, /session/, 'a session of somebody else'],
    [
      { session: aSession({ idleExpiresAt: NOW }) },
      /session/,
      'a session unused for too long, from that millisecond on',
    ],
    [{ session: aSession({ expiresAt: NOW }) }, /session/, 'a session that is too old, from that millisecond on'],
    [{ user: aUser({ epoch: 1 }), authorization: null }, /session/, 'a session from before a sign-out everywhere'],
    [
      { user: aUser({ blocked: true }), authorization: null, session: null },
      /blocked/,
      'a block, whatever else there is not',
    ],
  ] as [Partial<Person>, RegExp, string][])
    test(why, () =>
      assert.throws(
        () => assertActive({ ...sound, ...change }),
        (error: unknown) =>
          error instanceof ProtocolError && error.code === 'invalid_grant' && says.test(error.message),
      ),
    )
})
