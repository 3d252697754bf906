/**
 * What a tenant has its own way in mail: who carries it, and how letters are worded. Where it says nothing, or what it
 * says does not work, the server's own words and way are there; a letter that somebody waits for is never lost to a
 * template.
 */
import type { Clock, Instant } from '../kernel/clock.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import type { Log } from '../kernel/log.ts'
import { SealError } from '../kernel/sealer.ts'
import { MINUTE, SECOND } from '../kernel/seconds.ts'
import { EMAIL_STRATEGY } from '../store/connections.ts'
import type { Store } from '../store/store.ts'
import { relayOf } from './email-provider.ts'
import { type WrittenLetter, writeLetter } from './email-templates.ts'
import type { Letter } from './letter.ts'
import type { Sender } from './letter-view.ts'
import { enabledTemplate, isTemplated } from './link-life.ts'
import { TemplateFault } from './operator-template.ts'
import { variablesOf } from './template-variables.ts'
import type { Delivery, Transport } from './transport.ts'

export interface OwnWay {
  /** The address that mail comes from; null for the server's. */
  readonly from: string | null
  readonly send: Transport
}

export interface TenantMail {
  /** Null where the tenant's mail goes the server's way. */
  wayOf(tenant: string): Promise<OwnWay | null>
  /** Null where the letter is worded by the server. */
  write(tenant: string, letter: Letter, sender: Sender): Promise<WrittenLetter | null>
}

export interface TenantMailOptions {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  /** Where a connection to that host may go (`http/egress.ts`). */
  readonly addressesOf: (host: string) => Promise<readonly string[]>
}

/** Shorter than for the server's own mail server: others wait behind it. */
const LONGEST_DELIVERY = 20 * SECOND
/** A mail server that does not answer takes nobody else's turn for so long. */
const REST = MINUTE
const MOST_AT_REST = 1000

export function createTenantMail({ store, clock, log, addressesOf }: TenantMailOptions): TenantMail {
  const restingUntil = new Map<string, Instant>()

  function rest(tenant: string): void {
    // The one that has rested longest goes first: a tenant forgotten here is only asked again too early.
    if (restingUntil.size >= MOST_AT_REST) restingUntil.delete(restingUntil.keys().next().value ?? '')
    restingUntil.set(tenant, clock() + REST)
  }

  return {
    async wayOf(tenant) {
      const provider = await store.emailProviders.find(tenant)
      if (!provider) return null
      let relay: ReturnType<typeof relayOf>
      try {
        relay = relayOf(provider)
      } catch (error) {
        if (!(error instanceof SealError)) throw error
        return { from: null, send: async () => failed('the credentials of the tenant’s provider do not open') }
      }
      if (!relay) return null
      const { server, from } = relay
      return {
        from,
        async send(message, signal) {
          if ((restingUntil.get(tenant) ?? 0) > clock()) return failed('the tenant’s mail server did not answer before')
          const addresses = await addressesOf(server.host).catch((error: Error) => error)
          if (addresses instanceof Error) return failed(addresses.message)
          const { smtpTransport } = await import('./smtp.ts')
          const began = clock()
          const limit = AbortSignal.any([signal, AbortSignal.timeout(LONGEST_DELIVERY)])
          const delivery = await smtpTransport(server, addresses[0])(message, limit)
          if (delivery.outcome === 'failed' && clock() - began >= LONGEST_DELIVERY / 4) rest(tenant)
          return delivery
        },
      }
    },

    async write(tenant, letter, sender) {
      const { message, connection } = letter
      const enabled =
        (connection === undefined ? undefined : await connectionTemplate(store, tenant, connection)) ??
        (isTemplated(message) ? await enabledTemplate(store, tenant, message) : undefined)
      if (!enabled) return null
      const carried = message === 'sign-in-link' ? 'link' : undefined
      try {
        return await writeLetter(enabled, await variablesOf(store, tenant, letter, sender), carried)
      } catch (error) {
        if (!(error instanceof TemplateFault)) throw error
        log.warn(
          { tenant, template: enabled['template'], line: error.line, reason: error.message },
          'a template of the tenant did not render, and the letter went out in the server’s own words',
        )
        return null
      }
    },
  }
}

/** As a connection that mails codes and links words them: `options.email`. */
async function connectionTemplate({ connections }: Store, tenant: string, id: string): Promise<JsonObject | undefined> {
  const found = await connections.find(tenant, id)
  const own = found?.strategy === EMAIL_STRATEGY ? found.options['email'] : undefined
  if (own === undefined || !isObject(own)) return undefined
  const { body, subject, from, syntax = 'liquid' } = own
  if (typeof body !== 'string' || body === '' || syntax !== 'liquid') return undefined
  return {
    template: 'auth_email_by_code',
    enabled: true,
    body,
    ...(typeof subject === 'string' && { subject }),
    // Auth0's sample comes along in every export: nobody here may send for its domain.
    ...(typeof from === 'string' && !/@auth0\.com>?\s*$/i.test(from) && { from }),
  }
}

const failed = (reason: string): Delivery => ({ outcome: 'failed', reason })
