/** The types of what the server serves under this name: the client's own file (assets.ts). */
export * from 'socket.io-client'
