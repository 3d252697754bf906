/** A process that follows a stream of revocations as a gateway does, and says what that takes of memory. Started with `--expose-gc`. */
import { setTimeout as pause } from 'node:timers/promises'
import { createRevocations, type Revocations } from '../../sdk/revocations.ts'
import { answerParent } from '../processes.ts'

export interface Followed {
  readonly position: number
  /** Resident, in MiB: with few of them known, with all, and the most there was in between. */
  readonly few: number
  readonly all: number
  readonly most: number
  readonly milliseconds: number
}

export interface Streams {
  /** As long as the other one, and of few revocations that are told again and again. */
  readonly ofFew: string
  readonly ofAll: string
}

const MIB = 1024 * 1024
/** For the system to take back what was freed. */
const SETTLES_WITHIN = 1000

async function settled(): Promise<number> {
  for (let time = 0; time < 3; time++) {
    globalThis.gc?.()
    await pause(SETTLES_WITHIN / 3)
  }
  return process.memoryUsage.rss() / MIB
}

async function read(issuer: string): Promise<{ revocations: Revocations; most: number }> {
  const revocations = createRevocations({ issuer, token: { get: async () => 'token', forget: () => {} } })
  revocations.start()
  let most = 0
  while (revocations.state !== 'live') {
    most = Math.max(most, process.memoryUsage.rss() / MIB)
    await pause(5)
  }
  return { revocations, most }
}

/** What any process takes that reads so much is there before: what `fetch` loads, and a heap for what is soon garbage. */
async function follow({ ofFew, ofAll }: Streams): Promise<Followed> {
  const { revocations: former } = await read(ofFew)
  const few = await settled()
  await former.close()
  const began = performance.now()
  const { revocations, most } = await read(ofAll)
  const milliseconds = performance.now() - began
  const all = await settled()
  const { position } = revocations
  await revocations.close()
  return { position, few, all, most, milliseconds }
}

answerParent(follow)
