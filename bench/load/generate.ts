/** The process of a load generator: opens its connections, and keeps each of them busy for as long as it is told. */
import { setTimeout as pause } from 'node:timers/promises'
import { SECOND } from '../../server/kernel/seconds.ts'
import { answerParent } from '../processes.ts'
import { openConnection } from './connection.ts'
import type { Done, Job, Limit, Order } from './generator.ts'
import { type Performance, perform } from './scenarios.ts'

let between = 0
let performances: readonly Performance[] = []

async function open({ host, port, scenario, inFlight, pause = 0 }: Job): Promise<'ready'> {
  between = pause
  performances = Array.from({ length: inFlight }, (_, place) => perform(scenario, openConnection(host, port), place))
  await Promise.all(performances.map(each => each.prepare?.()))
  return 'ready'
}

async function run(limit: Limit): Promise<Done> {
  if ('perSecond' in limit) return runAtPace(limit)
  const began = performance.now()
  const until = 'milliseconds' in limit ? began + limit.milliseconds : Number.POSITIVE_INFINITY
  let left = 'turns' in limit ? limit.turns : Number.POSITIVE_INFINITY
  const times: number[] = []
  let sample = ''

  async function keepBusy({ turn }: Performance): Promise<void> {
    while (performance.now() < until && left > 0) {
      left -= 1
      const asked = performance.now()
      sample = await turn()
      times.push(performance.now() - asked)
      if (between > 0) await pause(between)
    }
  }
  await Promise.all(performances.map(keepBusy))
  return { turns: times.length, milliseconds: performance.now() - began, times, sample }
}

/** A timer is late by up to a millisecond: then all that is due begins at once, and its lateness counts, for whoever is asked. */
const LOOKS_EVERY = 1

async function runAtPace({ milliseconds, perSecond }: { milliseconds: number; perSecond: number }): Promise<Done> {
  const idle = [...performances]
  const due: number[] = []
  const times: number[] = []
  const total = Math.floor((milliseconds / SECOND) * perSecond)
  let sample = ''
  const began = performance.now()
  return new Promise((resolve, reject) => {
    function begin(): void {
      for (let next = idle.pop(); next; next = idle.pop()) {
        const [time] = due
        if (time === undefined) return void idle.push(next)
        due.shift()
        const free = next
        free.turn().then(answer => {
          times.push(performance.now() - time)
          sample = answer
          idle.push(free)
          begin()
          if (times.length === total) resolve({ turns: total, milliseconds: performance.now() - began, times, sample })
        }, reject)
      }
    }
    let scheduled = 0
    const timer = setInterval(() => {
      for (; scheduled < total; scheduled += 1) {
        const time = began + (scheduled * SECOND) / perSecond
        if (time > performance.now()) break
        due.push(time)
      }
      if (scheduled === total) clearInterval(timer)
      begin()
    }, LOOKS_EVERY)
  })
}

answerParent<Order, Done | 'ready'>(order => ('job' in order ? open(order.job) : run(order.limit)))
