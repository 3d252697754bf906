/** The types of what the server serves under this name: Auth0's Lock as one file (lock-bundle.ts), as far as the page uses it. */
interface Lock {
  show(): void
  hide(): void
  on(event: 'authenticated', heard: (result: { idTokenPayload: { email: string } }) => void): void
  on(event: 'authorization_error', heard: (error: { error: string; description: unknown }) => void): void
}
export const Auth0Lock: new (clientId: string, domain: string, options: object) => Lock
