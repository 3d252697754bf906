/**
 * Login tickets: what an application is given for a password or a code that it took on its own page, and hands to
 * `/authorize`. Worth nothing in another browser, for another client or a second time, and nothing after two minutes.
 * Who proved what is the caller's to have found out; that the person still counts is asked when the ticket is spent.
 */
import type { Instant } from '../kernel/clock.ts'
import { randomSecret, sha256 } from '../kernel/secrets.ts'
import { originOf } from '../kernel/url.ts'
import { LOGIN_TICKET_LIFE } from '../policy/lifetimes.ts'
import type { Proof } from '../policy/proof.ts'
import type { Nouns, Transaction } from '../store/store.ts'
import type { TicketRecord } from '../store/tickets.ts'
import type { UserRecord } from '../store/users.ts'

const LOGIN_TICKET = 'login'

/** A type and not an interface, because it is stored as JSON. */
type Login = {
  readonly client: string
  readonly userEpoch: number
  /** The connection's id. */
  readonly connection: string
  readonly proof: Pick<Proof, keyof Proof>
  /** Of the page that asked for it; null where a page of ours did. */
  readonly origin: string | null
}

export interface NewLogin {
  readonly tenant: string
  readonly user: Pick<UserRecord, 'id' | 'epoch'>
  readonly connection: string
  readonly proof: Proof
  readonly client: string
  readonly origin: string | null
  /** SHA-256 of the secret of the browser that it is for. */
  readonly browserHash: string
}

export interface OpenLogin extends Pick<Login, 'connection' | 'proof'> {
  /** Of the ticket, for `spendLogin`. */
  readonly id: string
  readonly user: UserRecord
}

/** Answers what travels. */
export async function issueLogin(nouns: Nouns, login: NewLogin, now: Instant): Promise<string> {
  const { tenant, user, connection, proof, client, origin, browserHash } = login
  const secret = randomSecret()
  const data: Login = { client, userEpoch: user.epoch, connection, proof: { ...proof }, origin }
  await nouns.tickets.issue({
    tenant,
    kind: LOGIN_TICKET,
    id: sha256(secret),
    subject: user.id,
    browserHash,
    data,
    createdAt: now,
    expiresAt: now + LOGIN_TICKET_LIFE,
  })
  return secret
}

/** Where it was handed in, and by whom. */
export interface HandedIn {
  readonly tenant: string
  readonly client: string
  readonly browserHash: string | null
  /** Where the answer is posted to a page and goes nowhere else: of that page. Null for any other answer. */
  readonly answered: string | null
  /** The page that sent the browser, as far as the browser says. */
  readonly referrer: string | undefined
}

/** Spends nothing. Undefined for whatever does not count here, whyever: whoever shows it proves nothing, and spends nobody's. */
export async function findLogin(
  nouns: Nouns,
  presented: string,
  { tenant, client, browserHash, answered, referrer }: HandedIn,
  now: Instant,
): Promise<OpenLogin | undefined> {
  const id = sha256(presented)
  const ticket = await nouns.tickets.peek<Login>(tenant, LOGIN_TICKET, id, now)
  if (!ticket || ticket.consumedAt !== null || ticket.subject === null || ticket.data.client !== client)
    return undefined
  if (browserHash === null || ticket.browserHash !== browserHash) return undefined
  if (!isFrom(ticket, answered) || !isFrom(ticket, referrer === undefined ? null : (URL.parse(referrer)?.origin ?? '')))
    return undefined
  const user = await nouns.users.find(tenant, ticket.subject)
  if (!user || user.blocked || user.epoch !== ticket.data.userEpoch) return undefined
  return { id, user, connection: ticket.data.connection, proof: ticket.data.proof }
}

/** Of any number of calls one is answered `true`. */
export const spendLogin = async (
  transaction: Transaction,
  tenant: string,
  { id }: Pick<OpenLogin, 'id'>,
  now: Instant,
): Promise<boolean> => (await transaction.tickets.consume(tenant, LOGIN_TICKET, id, now)) === 'consumed'

/** A page that was given none must not be answered by another's. */
const isFrom = ({ data: { origin } }: TicketRecord<Login>, page: string | null): boolean =>
  page === null || origin === null || page === origin

export const answeredPage = (redirectUri: string, staysInBrowser: boolean): string | null =>
  staysInBrowser ? originOf(redirectUri) : null
