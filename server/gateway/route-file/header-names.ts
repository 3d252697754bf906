/**
 * Names that identity headers may have: none that another rule of HTTP, of proxies or of the gateway itself already
 * gives a meaning, because a service would then believe what two parties say. `strip.ts` takes them off requests.
 */
import { form, Wrong } from './forms.ts'

/** RFC 9110 §5.6.2, without what some servers take for another character (`_`) or nobody writes. */
const NAME = /^[A-Za-z][A-Za-z0-9-]{0,99}$/

/** RFC 9110 §7.6.1 and what else is between two hops, frames the message, or says who is calling in a way of its own. */
const TAKEN = new Set([
  ...['connection', 'keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'host', 'expect', 'max-forwards'],
  ...['authorization', 'cookie', 'cookie2', 'set-cookie', 'www-authenticate', 'dpop', 'forwarded', 'via', 'x-real-ip'],
  ...['accept', 'age', 'allow', 'alt-svc', 'cache-control', 'date', 'etag', 'from', 'link', 'location', 'origin'],
  ...['pragma', 'prefer', 'priority', 'range', 'referer', 'server', 'user-agent', 'vary', 'warning', 'http2-settings'],
  ...['traceparent', 'tracestate', 'baggage', 'x-request-id', 'upgrade-insecure-requests', 'x-http-method-override'],
])
const TAKEN_BEGINNING = /^(?:x-forwarded|x-original|x-rewrite|proxy|sec|content|accept|access-control|if)-/

/** Lower case. */
export const identityHeader = form('the name of a header, such as x-user-id', value => {
  if (typeof value !== 'string') return undefined
  const name = value.toLowerCase()
  if (name.includes('_'))
    return new Wrong(
      `The header ${name} must not have a "_" in its name: some servers read it as "-", and then there are two.`,
    )
  if (!NAME.test(name)) return undefined
  return TAKEN.has(name) || TAKEN_BEGINNING.test(name)
    ? new Wrong(
        `The header ${name} has a meaning of its own and cannot tell who is calling; x-user-id would be one that can.`,
      )
    : name
})
