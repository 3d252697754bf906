/** The process of a load generator: opens its connections, and keeps each of them busy for as long as it is told. */
import { setTimeout as pause } from 'node:timers/promises'
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

answerParent<Order, Done | 'ready'>(order => ('job' in order ? open(order.job) : run(order.limit)))
