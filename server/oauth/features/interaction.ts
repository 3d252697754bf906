/**
 * How the person is to be asked: `prompt`, `max_age`, whom it has to be and who vouches for them, and hints for the
 * pages. What follows from them is `policy/next-step.ts`'s. `display`, `claims_locales` and `acr_values` are wishes
 * that change nothing here: one set of pages fits every window, claims are told as they are stored, and what a
 * session proves is told whatever was wished for.
 */
import { serves } from '../../identity/connections.ts'
import { ProtocolError } from '../../kernel/errors.ts'
import { languages } from '../../words/languages.ts'
import type { Feature } from '../feature.ts'
import { readIdTokenHint } from '../id-token-hint.ts'

const PROMPTS = ['none', 'login', 'consent', 'select_account']
/** In seconds: a century is beyond every session. */
const LONGEST_AGE = 100 * 365 * 24 * 60 * 60
/** What a page could still show; a longer hint is no hint. */
const LONGEST_HINT = 254

const hint = (value: string | undefined): string | null =>
  value !== undefined && value.length <= LONGEST_HINT ? value : null

export const interaction: Feature = {
  name: 'interaction',
  spec: 'OpenID Connect Core 1.0 §3.1.2.1',
  metadata: () => ({
    ui_locales_supported: languages,
    display_values_supported: ['page', 'popup'],
    // What one factor proves, and there is one.
    acr_values_supported: ['1'],
  }),
  steps: {
    'authorize.validate': async ({ services, incoming, client, parameters, draft, expect }) => {
      const prompt = parameters.get('prompt')?.split(' ').filter(Boolean) ?? []
      if (prompt.some(value => !PROMPTS.includes(value)))
        throw new ProtocolError('invalid_request', 'prompt holds an unknown value.')
      if (prompt.includes('none') && prompt.length > 1)
        throw new ProtocolError('invalid_request', 'prompt=none goes with no other value.')
      draft.prompt = prompt

      const maxAge = parameters.get('max_age')
      if (maxAge !== undefined && !/^\d+$/.test(maxAge))
        throw new ProtocolError('invalid_request', 'max_age has to be a whole number of seconds.')
      draft.maxAgeSeconds = maxAge === undefined ? client.defaultMaxAgeSeconds : Math.min(Number(maxAge), LONGEST_AGE)

      const idTokenHint = parameters.get('id_token_hint')
      if (idTokenHint !== undefined) {
        const hinted = await readIdTokenHint(services, incoming, idTokenHint)
        if (!hinted) throw new ProtocolError('invalid_request', 'id_token_hint is not an ID token of this issuer.')
        expect(hinted.user)
      }

      const name = parameters.get('connection')
      if (name !== undefined) {
        const connection = await services.store.connections.findByName(incoming.tenant, name)
        // Auth0's wording.
        if (!connection) throw new ProtocolError('invalid_request', 'the connection was not found')
        if (!serves(connection, client))
          throw new ProtocolError('invalid_request', 'the connection is not enabled for this client')
        draft.connection = connection.id
      }

      draft.loginHint = hint(parameters.get('login_hint'))
      draft.screenHint = hint(parameters.get('screen_hint'))
      draft.uiLocales = hint(parameters.get('ui_locales'))
    },
  },
}
