/** How long things live that no operator sets: every number with its reason, in one place. Milliseconds. */
import { DAY, HOUR, MINUTE, SECOND } from '../kernel/seconds.ts'

/** FAPI 2.0 Security Profile §5.3.2.1 allows a minute; a redirect takes less. */
export const CODE_LIFE = 60 * SECOND
/** To sign in at leisure, look for a password, be called away and come back. */
export const INTERACTION_LIFE = HOUR
/** To read one question and press a button. */
export const CONFIRMATION_LIFE = 10 * MINUTE
/** No access token lives longer, so that no revocation need be remembered longer. Auth0's own limit. */
export const LONGEST_TOKEN_LIFE = 30 * DAY
/** From a form that another site posted to the redirect that follows it. */
export const POSTED_LIFE = MINUTE
/** The cookie that tickets are bound to. */
export const BROWSER_SECRET_LIFE = 365 * DAY
