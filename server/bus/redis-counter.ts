/**
 * Tries counted in Redis, where a change is one script. The arithmetic is `policy/rate.ts`'s, written once more in the
 * one language that Redis runs; the suite of all counters holds the two together.
 */
import type { Redis } from 'ioredis'
import type { Instant } from '../kernel/clock.ts'
import type { Count, Counted, Counter, Counting, Rule } from '../kernel/counter.ts'
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
if latest > now then return {0, string.format('%.3f', latest)} end
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
  redis.call('HSET', key, 'empty', string.format('%.3f', emptyAt), 'free', string.format('%.3f', freeAt))
  redis.call('PEXPIRE', key, string.format('%.0f', math.max(1, math.ceil(emptyAt - now))))
  answer[#answer + 1] = tries
  answer[#answer + 1] = string.format('%.3f', freeAt)
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
      redis.call('HSET', key, 'empty', string.format('%.3f', emptyAt), 'free', string.format('%.3f', freeAt))
      redis.call('PEXPIRE', key, string.format('%.0f', math.max(1, math.ceil(emptyAt - now))))
    else
      redis.call('DEL', key)
    end
  end
end
return 1`

/** In braces, so that a cluster keeps the keys of one script together. */
const nameOf = (tenant: string, key: string): string => `latchkey:{${tenant}}:${key}`
const asArguments = ({ free, forgets, pauses }: Rule): number[] => [free, forgets, pauses.length, ...pauses]

const run = (
  redis: Redis,
  script: string,
  tenant: string,
  keys: readonly string[],
  values: readonly number[],
): Promise<unknown> => redis.eval(script, keys.length, ...keys.map(key => nameOf(tenant, key)), ...values)

/** The verb alone, for whoever has a fallback of its own. Rejects when Redis does not answer. */
export async function countIn(redis: Redis, tenant: string, counts: readonly Count[], now: Instant): Promise<Counting> {
  const keys = counts.map(({ key }) => key)
  const values = [now, ...counts.flatMap(({ rule }) => asArguments(rule))]
  const [isCounted, ...answer] = ((await run(redis, COUNT, tenant, keys, values)) as unknown[]).map(Number)
  if (isCounted !== 1) return { state: 'refused', freeAt: answer[0] ?? now }
  const counted = counts.map(({ key, rule }, index) => {
    const [tries = 0, freeAt = 0] = answer.slice(2 * index)
    return { key, rule, tries, freeAt }
  })
  return { state: 'counted', counts: counted }
}

/** How long an answer is waited for, and whoever wants to know whether one came. */
export interface Waiting {
  inTime<T>(asked: Promise<T>): Promise<T>
  noteAbsence(error: Error): void
  noteReturn(): void
}

/** Keys under which something was counted in the fallback; the one that is longest ago is forgotten first. */
const MOST_KEYS = 10_000

/**
 * Whatever Redis does not answer, `fallback` does: a brake that lets go when Redis fails would be a reason to make it fail.
 *
 * A try stands in one of the two. Redis may carry out what it answers too late: that is undone there, since the
 * fallback has counted it. And it is given back where it was counted, whichever of them answers by then: otherwise right
 * passwords would add up in the other, until a person who never mistyped is held. What is lost is a try that is counted in
 * a Redis which is away, or whose answer never comes: there it stays until it is forgotten.
 */
export function redisCounter(redis: Redis, fallback: Counter, { inTime, noteAbsence, noteReturn }: Waiting): Counter {
  const elsewhere = new WeakSet<Counted>()
  const keysElsewhere = new Set<string>()

  /** Undefined where nothing was answered in time. */
  async function ask<T>(asked: () => Promise<T>): Promise<T | undefined> {
    if (redis.status !== 'ready') return undefined
    try {
      const answer = await inTime(asked())
      noteReturn()
      return answer
    } catch (error) {
      noteAbsence(error as Error)
      return undefined
    }
  }
  const countThere = (tenant: string, counts: readonly Count[], now: Instant) => countIn(redis, tenant, counts, now)

  async function giveBackThere(tenant: string, counts: readonly Counted[], now: Instant): Promise<void> {
    const keys = counts.map(({ key }) => key)
    await run(redis, GIVE_BACK, tenant, keys, [now, ...counts.flatMap(({ rule, freeAt }) => [rule.forgets, freeAt])])
  }

  /** In the fallback, which has to be told of what is over from now on too. */
  async function countElsewhere(tenant: string, counts: readonly Count[], now: Instant): Promise<Counting> {
    const counting = await fallback.count(tenant, counts, now)
    for (const counted of counting.state === 'counted' ? counting.counts : []) {
      elsewhere.add(counted)
      keysElsewhere.add(nameOf(tenant, counted.key))
      if (keysElsewhere.size > MOST_KEYS) keysElsewhere.delete(keysElsewhere.values().next().value as string)
    }
    return counting
  }

  return {
    async count(tenant, counts, now) {
      if (counts.length === 0) return { state: 'counted', counts: [] }
      let late: Promise<Counting> | undefined
      const counting = await ask(() => {
        late = countThere(tenant, counts, now)
        return late
      })
      if (counting) return counting
      late
        ?.then(counted => (counted.state === 'counted' ? giveBackThere(tenant, counted.counts, now) : undefined))
        // It is away, as was noted; or its answer is lost.
        .catch(() => {})
      return countElsewhere(tenant, counts, now)
    },

    async giveBack(tenant, counts, now) {
      const [there, here] = [counts.filter(one => !elsewhere.has(one)), counts.filter(one => elsewhere.has(one))]
      if (there.length > 0) await ask(() => giveBackThere(tenant, there, now))
      if (here.length > 0) await fallback.giveBack(tenant, here, now)
    },

    async waits(tenant, keys, now) {
      const there = await ask(() => Promise.all(keys.map(key => redis.hget(nameOf(tenant, key), 'free'))))
      const rest = keys.filter(key => there === undefined || keysElsewhere.has(nameOf(tenant, key)))
      const waits = new Map(rest.length > 0 ? await fallback.waits(tenant, rest, now) : [])
      for (const [index, key] of keys.entries()) {
        const freeAt = Number(there?.[index] ?? 0)
        if (freeAt > now) waits.set(key, Math.max(freeAt, waits.get(key) ?? 0))
      }
      return waits
    },

    async forget(tenant, keys) {
      if (keys.length === 0) return
      const names = keys.map(key => nameOf(tenant, key))
      const isForgotten = await ask(() => redis.del(...names))
      // Whatever else was counted under them where Redis is not asked.
      const rest = keys.filter(
        (_key, index) => keysElsewhere.delete(names[index] as string) || isForgotten === undefined,
      )
      if (rest.length > 0) await fallback.forget(tenant, rest)
    },
  }
}
