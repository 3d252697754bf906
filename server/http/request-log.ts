/** One line of the log for each answer: enough to find a request again, and nothing that anybody sent. */
import type { FastifyInstance } from 'fastify'
import type { Log } from '../kernel/log.ts'
import type { Meter } from '../kernel/meter.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the fault that was told, if one was. */
    told: string | null
  }
}

export function logAnswers(app: FastifyInstance, log: Log, meter: Meter | undefined): void {
  app.decorateRequest('told', null)
  app.addHook('onResponse', (request, reply, done) => {
    const { config } = request.routeOptions
    const route = request.asked ?? request.routeOptions.url ?? 'unknown'
    const isSeldomWanted = config.endpoint?.isRoutine && reply.statusCode < 400
    const fields = {
      request: request.id,
      method: request.method,
      // The route, not the URL: paths hold ticket ids, queries hold codes, tokens and people's addresses.
      path: route,
      status: reply.statusCode,
      // A code is one of our own; its description may speak of what was sent.
      ...(request.told !== null && { told: request.told }),
      ms: Math.round(reply.elapsedTime),
      address: request.ip,
    }
    if (isSeldomWanted) log.debug(fields, 'answered')
    // A line of every request: made into JSON as a whole, it takes half of what the log takes for each member.
    else if (log.infoMembers) log.infoMembers(JSON.stringify(fields).slice(1, -1), 'answered')
    else log.info(fields, 'answered')
    if (!(config.endpoint?.isStream && reply.statusCode < 400))
      meter?.answered({
        route,
        method: request.method,
        status: reply.statusCode,
        milliseconds: reply.elapsedTime,
      })
    done()
  })
}
