/**
 * How an application signs people in from its own pages: the endpoints, as Auth0's Lock, auth0-js and authentication
 * clients call them. What they do is loaded when it is first asked for.
 */
import { type Answer, type Incoming, json, type Route } from '../http/route.ts'
import { answerOf, type Form, Refused } from './refused.ts'
import type { EmbeddedServices } from './services.ts'

export function embeddedRoutes(services: EmbeddedServices): readonly Route[] {
  type Work = (services: EmbeddedServices, incoming: Incoming) => Promise<Answer> | Answer

  /** Faults are told in the form that the SDKs read there. */
  const posted = (
    path: string,
    form: Form,
    load: () => Promise<Work>,
    cors: 'clients' | 'with-cookies' = 'clients',
  ): Route => ({
    method: 'POST',
    path,
    takes: 'document',
    cors,
    speaks: 'json',
    async answer(incoming) {
      try {
        return await (await load())(services, incoming)
      } catch (error) {
        if (error instanceof Refused) return answerOf(error, form)
        throw error
      }
    },
  })

  /** Whether a puzzle is to be solved first. There is none: what stands against guessing asks nobody anything. */
  const challenge = (path: string): Route => ({
    method: 'POST',
    path,
    takes: 'document',
    cors: 'clients',
    speaks: 'json',
    answer: () => json(200, { required: false }),
  })

  return [
    posted('/dbconnections/signup', 'database', async () => (await import('./sign-up.ts')).signUp),
    posted(
      '/dbconnections/change_password',
      'oauth',
      async () => (await import('./change-password.ts')).changePassword,
    ),
    posted(
      '/co/authenticate',
      'oauth',
      async () => (await import('./co-authenticate.ts')).coAuthenticate,
      'with-cookies',
    ),
    posted('/usernamepassword/login', 'database', async () => (await import('./hosted-login.ts')).hostedLogin),
    {
      method: 'POST',
      path: '/login/callback',
      speaks: 'pages',
      answer: async incoming => (await import('./hosted-login.ts')).hostedCallback(services, incoming),
    },
    posted('/passwordless/start', 'oauth', async () => (await import('./passwordless.ts')).startPasswordless),
    posted('/passwordless/verify', 'oauth', async () => (await import('./passwordless.ts')).verifyPasswordless),
    posted('/otp/challenge', 'oauth', async () => (await import('./passwordless.ts')).challengeCode),
    challenge('/usernamepassword/challenge'),
    challenge('/dbconnections/signup/challenge'),
    challenge('/dbconnections/change_password/challenge'),
    challenge('/passwordless/challenge'),
    {
      method: 'GET',
      path: '/client/:file',
      speaks: 'json',
      answer: async incoming => (await import('./client-script.ts')).clientScript(services, incoming),
    },
    {
      method: 'GET',
      path: '/user/ssodata',
      cors: 'with-cookies',
      speaks: 'json',
      answer: async incoming => (await import('./sso-data.ts')).ssoData(services, incoming),
    },
    // Where somebody is, is not known here.
    { method: 'GET', path: '/user/geoloc/country', cors: 'clients', speaks: 'json', answer: () => json(200, {}) },
  ]
}
