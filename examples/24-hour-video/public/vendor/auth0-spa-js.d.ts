/** The types of what the server serves under this name: the SDK's own file (assets.ts). */
export * from '@auth0/auth0-spa-js'
