/** Fastify that answers nothing: what a request costs before anybody does anything. Told its port by `BENCH_PORT`. */
import { fastify } from 'fastify'

const app = fastify()
app.get('/', async (_request, reply) => reply.send())
await app.listen({ port: Number(process.env['BENCH_PORT']), host: '127.0.0.1' })
