/** The command's end of the control socket: one request to the server that runs over this data, if one does. */
import { OperatorError } from '../kernel/errors.ts'
import { isObject, type JsonValue } from '../kernel/json.ts'
import { LONGEST_LINE, lineOf, type Reply, type Request, readLine } from './messages.ts'
import { connect, isNobody, SOCKET_NAME } from './place.ts'

/** The server has enough to do at this moment, and has done nothing of this. */
export class ServerBusyError extends OperatorError {}

/**
 * Undefined when no server answers in the folder: nothing was asked then.
 * @throws OperatorError for what the server refuses, and when it ends before it has answered.
 */
export async function askServer(folder: string, request: Request): Promise<{ result: JsonValue } | undefined> {
  const line = lineOf(request)
  if (line.length > LONGEST_LINE)
    throw new OperatorError(
      `This is more than can be asked at once: ${LONGEST_LINE / 1024 / 1024} MiB, written out as JSON. Split the file. Nothing was done.`,
    )
  const connected = await connect(folder)
  if ('code' in connected) {
    if (isNobody(connected.code)) return undefined
    throw new OperatorError(
      `The server at ${folder}/${SOCKET_NAME} cannot be asked (${connected.code}). Run this command as the user that runs the server.`,
    )
  }
  const { socket } = connected
  // What is wrong with the connection shows as an answer that does not come.
  socket.on('error', () => {})
  socket.write(line)
  const reply = await readLine(socket).catch(() => undefined)
  socket.destroy()
  if (!isReply(reply))
    throw new OperatorError(
      'The server ended before it said how this went. It may have been done: look before you ask again.',
    )
  if ('fault' in reply) {
    const { code, sentence } = reply.fault
    throw code === 'busy' ? new ServerBusyError(sentence) : new OperatorError(sentence)
  }
  return reply
}

const isReply = (message: unknown): message is Reply =>
  isObject(message) && ('result' in message || (isObject(message['fault']) && 'sentence' in message['fault']))
