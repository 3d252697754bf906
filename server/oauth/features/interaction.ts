/** How the person is to be asked: `prompt`, `max_age`, whom it has to be, and hints for the pages. What follows from them is `policy/next-step.ts`'s. */
import { ProtocolError } from '../../kernel/errors.ts'
import type { Feature } from '../feature.ts'
import { readIdTokenHint } from '../id-token-hint.ts'

const PROMPTS = ['none', 'login', 'consent', 'select_account']
/** What a page could still show; a longer hint is no hint. */
const LONGEST_HINT = 254

const hint = (value: string | undefined): string | null =>
  value !== undefined && value.length <= LONGEST_HINT ? value : null

export const interaction: Feature = {
  name: 'interaction',
  spec: 'OpenID Connect Core 1.0 §3.1.2.1',
  metadata: () => ({ ui_locales_supported: ['en', 'ko'] }),
  steps: {
    'authorize.validate': async ({ services, incoming, parameters, draft }) => {
      const prompt = parameters.get('prompt')?.split(' ').filter(Boolean) ?? []
      if (prompt.some(value => !PROMPTS.includes(value)))
        throw new ProtocolError('invalid_request', 'prompt holds an unknown value.')
      if (prompt.includes('none') && prompt.length > 1)
        throw new ProtocolError('invalid_request', 'prompt=none goes with no other value.')
      draft.prompt = prompt

      const maxAge = parameters.get('max_age')
      if (maxAge !== undefined && !/^\d{1,10}$/.test(maxAge))
        throw new ProtocolError('invalid_request', 'max_age has to be a whole number of seconds.')
      draft.maxAgeSeconds = maxAge === undefined ? null : Number(maxAge)

      const idTokenHint = parameters.get('id_token_hint')
      if (idTokenHint !== undefined) {
        const hinted = await readIdTokenHint(services, incoming, idTokenHint)
        if (!hinted) throw new ProtocolError('invalid_request', 'id_token_hint is not an ID token of this issuer.')
        draft.subject = hinted.claims.sub
      }

      draft.loginHint = hint(parameters.get('login_hint'))
      draft.screenHint = hint(parameters.get('screen_hint'))
      draft.uiLocales = hint(parameters.get('ui_locales'))
    },
  },
}
