/** What the API asks of the identity server as itself: to end everything that a person has. */
import { createMachineToken, createServiceClient, post, type ServiceClient } from '@latchkey/sdk/service-client'

interface Operations {
  revokeAccess(user: { readonly id: string }): Promise<void>
}

export type Accounts = ServiceClient<Operations>

export interface AccountsOptions {
  /** With its trailing slash. */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
}

/** Nothing is asked before it is needed. Ending what has ended does no harm, so it may be tried again. */
export const createAccounts = ({ issuer, clientId, clientSecret }: AccountsOptions): Accounts =>
  createServiceClient<Operations>({
    url: `${issuer}api/v2`,
    operations: { revokeAccess: post('/users/{id}/revoke-access', { isIdempotent: true, read: () => undefined }) },
    token: createMachineToken({
      issuer,
      clientId,
      clientSecret,
      audience: `${issuer}api/v2/`,
      scope: 'delete:sessions delete:refresh_tokens',
    }),
    timeout: { answer: 2000, total: 5000 },
  })
