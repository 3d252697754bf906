/**
 * Tries counted in Redis, where a change is one script. The arithmetic is `policy/rate.ts`'s, written once more in the
 * one language that Redis runs; the suite of all counters holds the two together.
 */
import type { Redis } from 'ioredis'
import type { Counter, Rule } from '../kernel/counter.ts'
import { LATE } from '../policy/rate.ts'

/** ARGV: now, then of each key: free, forgets, how many pauses, the pauses. Answers 0 and an instant, or 1 and tries and an instant of each. */
const COUNT = `
local now = tonumber(ARGV[1])
local empty, latest = {}, 0
for i, key in ipairs(KEYS) do
  local known = redis.call('HMGET', key, 'empty', 'free')
  empty[i] = tonumber(known[1] or now)
  latest = math.max(latest, tonumber(known[2] or 0))
end
if latest > now then return {0, string.format('%.0f', latest)} end
local answer, at = {1}, 2
for i, key in ipairs(KEYS) do
  local free, forgets, pauses = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local emptyAt = math.max(empty[i], now) + forgets
  local tries = math.ceil((emptyAt - now - math.min(${LATE}, forgets / 2)) / forgets)
  local freeAt = 0
  if tries >= free and pauses > 0 then
    local pause = tonumber(ARGV[at + 3 + math.min(tries - free, pauses - 1)])
    if pause > 0 then freeAt = now + pause end
  end
  at = at + 3 + pauses
  redis.call('HSET', key, 'empty', string.format('%.0f', emptyAt), 'free', string.format('%.0f', freeAt))
  redis.call('PEXPIRE', key, string.format('%.0f', emptyAt - now))
  answer[#answer + 1] = tries
  answer[#answer + 1] = string.format('%.0f', freeAt)
end
return answer`

/** ARGV: now, then of each key: forgets, and the instant until which its try began a pause. */
const GIVE_BACK = `
local now = tonumber(ARGV[1])
for i, key in ipairs(KEYS) do
  local known = redis.call('HMGET', key, 'empty', 'free')
  if known[1] then
    local emptyAt = tonumber(known[1]) - tonumber(ARGV[2 * i])
    local freeAt = tonumber(known[2])
    if freeAt == tonumber(ARGV[2 * i + 1]) then freeAt = 0 end
    if emptyAt > now then
      redis.call('HSET', key, 'empty', string.format('%.0f', emptyAt), 'free', string.format('%.0f', freeAt))
      redis.call('PEXPIRE', key, string.format('%.0f', emptyAt - now))
    else
      redis.call('DEL', key)
    end
  end
end
return 1`

/** In braces, so that a cluster keeps the keys of one script together. */
const nameOf = (tenant: string, key: string): string => `latchkey:{${tenant}}:${key}`
const asArguments = ({ free, forgets, pauses }: Rule): number[] => [free, forgets, pauses.length, ...pauses]

/** How long an answer is waited for, and whoever wants to know whether one came. */
export interface Waiting {
  inTime<T>(asked: Promise<T>): Promise<T>
  noteAbsence(error: Error): void
  noteReturn(): void
}

/** Whatever Redis does not answer, `fallback` does: a brake that lets go when Redis fails would be a reason to make it fail. */
export function redisCounter(redis: Redis, fallback: Counter, { inTime, noteAbsence, noteReturn }: Waiting): Counter {
  async function askOr<T>(ask: () => Promise<T>, instead: () => Promise<T>): Promise<T> {
    if (redis.status !== 'ready') return instead()
    try {
      const answer = await inTime(ask())
      noteReturn()
      return answer
    } catch (error) {
      noteAbsence(error as Error)
      return instead()
    }
  }
  const run = (script: string, tenant: string, keys: readonly string[], values: readonly number[]): Promise<unknown> =>
    redis.eval(script, keys.length, ...keys.map(key => nameOf(tenant, key)), ...values)

  return {
    async count(tenant, counts, now) {
      if (counts.length === 0) return { state: 'counted', counts: [] }
      const keys = counts.map(({ key }) => key)
      const values = [now, ...counts.flatMap(({ rule }) => asArguments(rule))]
      return askOr(
        async () => {
          const [isCounted, ...answer] = ((await run(COUNT, tenant, keys, values)) as unknown[]).map(Number)
          if (isCounted !== 1) return { state: 'refused', freeAt: answer[0] ?? now }
          const counted = counts.map(({ key, rule }, index) => {
            const [tries = 0, freeAt = 0] = answer.slice(2 * index)
            return { key, rule, tries, freeAt }
          })
          return { state: 'counted', counts: counted }
        },
        () => fallback.count(tenant, counts, now),
      )
    },

    async giveBack(tenant, counts, now) {
      if (counts.length === 0) return
      const keys = counts.map(({ key }) => key)
      const values = [now, ...counts.flatMap(({ rule, freeAt }) => [rule.forgets, freeAt])]
      await askOr(
        async () => void (await run(GIVE_BACK, tenant, keys, values)),
        () => fallback.giveBack(tenant, counts, now),
      )
    },

    async forget(tenant, keys) {
      if (keys.length === 0) return
      await askOr(
        async () => void (await redis.del(...keys.map(key => nameOf(tenant, key)))),
        () => fallback.forget(tenant, keys),
      )
    },
  }
}
