/**
 * Node's `http`, taken as a program of CommonJS takes it. A module that imports it by name is given all of its names at
 * once, and one of them is the browser's WebSocket: Node then loads the client behind `fetch` and the streams of the web
 * as well, several mebibytes that nobody here uses.
 */
export const { Agent, createServer, get, request, ServerResponse, STATUS_CODES } = process.getBuiltinModule('node:http')
