/** How long things live that no operator sets: every number with its reason, in one place. Milliseconds. */
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'

/** FAPI 2.0 Security Profile §5.3.2.1 allows a minute; a redirect takes less. */
export const CODE_LIFE = 60 * SECOND
/** From being pushed until the browser comes with it, which takes a redirect (RFC 9126 §2.2: 5 to 600 seconds). */
export const PUSHED_LIFE = 90 * SECOND
/** From a password that an application took to `/authorize`, whatever the application does on the way. */
export const LOGIN_TICKET_LIFE = 2 * MINUTE
/** To sign in at leisure, look for a password, be called away and come back. */
export const INTERACTION_LIFE = HOUR
/** Of the proof that opens a person's own page, so that a browser left open somewhere does not show it for a week. */
export const ACCOUNT_PROOF_LIFE = DAY
/** To read one question and press a button. */
export const CONFIRMATION_LIFE = 10 * MINUTE
/** No access token lives longer, so that no revocation need be remembered longer. Auth0's own limit. */
export const LONGEST_TOKEN_LIFE = 30 * DAY
/**
 * A revocation is remembered for as long as any token lives that it covers. A node whose clock is ahead, or that goes by
 * what it has cached, may mint one of those a little later, and by another clock; an hour is far more.
 */
export const CLOCK_SLACK = HOUR
export const REVOCATION_LIFE = LONGEST_TOKEN_LIFE + CLOCK_SLACK
/**
 * For so long after a person is removed their sessions are remembered, of which applications may have yet to be told, and what
 * events say of them, of which somebody may have yet to read.
 */
export const TRACES_STAY = HOUR
/** For so long an API key that is over is still listed, for whoever wonders why something stopped working. */
export const ENDED_API_KEY_LIFE = 30 * DAY
/** From a form that another site posted to the redirect that follows it. */
export const POSTED_LIFE = MINUTE
/** A mail may take minutes; whoever gets at the mailbox tomorrow must not get at the account by an old one. */
export const RESET_LINK_LIFE = HOUR
/** Confirming an address opens nothing, and a mailbox may go unread over a weekend. */
export const VERIFICATION_LINK_LIFE = 3 * DAY
/** NIST SP 800-63B §3.1.3.2 allows ten minutes; most mail takes seconds. */
export const MAILED_CODE_LIFE = 10 * MINUTE
/** A link is opened where the mail is read, and is longer than anybody guesses. */
export const SIGN_IN_LINK_LIFE = HOUR
/** What somebody chose at the sign-up page waits so long for its mail to be read. */
export const SIGN_UP_LINK_LIFE = DAY
/** For so long an old link to confirm an address can still ask for a new one. */
export const VERIFICATION_LINK_KNOWN = 30 * DAY
/** Of a mail that only tells something: later it would worry more than it helps. */
export const NEWS_LIFE = DAY
/** For so long a browser that was signed in with is taken for the person's, if it is not used again. */
export const DEVICE_LIFE = 365 * DAY
/** The cookie that tickets are bound to. */
export const BROWSER_SECRET_LIFE = 365 * DAY
