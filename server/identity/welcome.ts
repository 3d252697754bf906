/**
 * The letter to somebody whose account is new and whose address is known to be theirs. It is the tenant's to want: there is
 * one where its template `welcome_email` is enabled, and none otherwise.
 */
import type { Occasion } from '../audit/events.ts'
import { promiseMail } from '../notify/letter.ts'
import { enabledTemplate } from '../notify/link-life.ts'
import { NEWS_LIFE, VERIFICATION_LINK_KNOWN } from '../policy/lifetimes.ts'
import type { Transaction } from '../store/store.ts'
import type { UserRecord } from '../store/users.ts'
import type { Correspondence } from './password-reset.ts'

/** Of accounts that were welcomed, for as long as they are new. */
const WELCOMED_MARK = 'welcomed'

/**
 * In the transaction that confirmed the address, once for an account: one that is older than a link to confirm its address
 * is known is not new any more.
 */
export async function sendWelcome(
  transaction: Transaction,
  { id, email, createdAt }: Pick<UserRecord, 'id' | 'email' | 'createdAt'>,
  { issuer, language, client = null }: Correspondence & { readonly client?: string | null },
  occasion: Occasion,
): Promise<void> {
  const { tenant, at, userAgent } = occasion
  if (email === null || at >= createdAt + VERIFICATION_LINK_KNOWN) return
  if (!(await enabledTemplate(transaction, tenant, 'welcome'))) return
  const newUntil = createdAt + VERIFICATION_LINK_KNOWN
  if ((await transaction.tickets.mark(tenant, WELCOMED_MARK, id, at, newUntil)) === 'seen') return
  const link = `${issuer}account`
  const letter = {
    message: 'welcome',
    to: email,
    user: id,
    language,
    issuer,
    link,
    linkLife: null,
    client,
    userAgent,
  } as const
  await promiseMail(transaction, tenant, letter, { now: at, giveUpAt: at + NEWS_LIFE })
}
