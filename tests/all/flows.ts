/**
 * The files of `tests/`, many to a process: to load the server costs as much as many a file's tests, and code that ran
 * before runs faster. Each of the processes (`flows-1.ts` and its like) takes the next file that none has taken, so that
 * all end at about the same time. A file's suite has its name, and its hooks stay within it. What measures the process
 * that it runs in has one to itself.
 */
import { AsyncResource } from 'node:async_hooks'
import { closeSync, globSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import { MINUTE } from '../../server/kernel/seconds.ts'
import { MEASURING } from '../fixtures/costly-once.ts'

const ROOT = new URL('../../', import.meta.url)

/** Generous: the machine may be busy with others. */
const ENDS_WITHIN = 10 * MINUTE

/** First, so that none of them is alone at the end. */
const LONGEST = [
  'tests/flows/operations.test.ts',
  'tests/sdks/auth0-deploy-cli.test.ts',
  'tests/browser/pages.test.ts',
  'tests/packaging/install.test.ts',
  'tests/attacks/password-flood.test.ts',
  'tests/flows/junk.test.ts',
  'tests/sdks/auth0-spa-js.test.ts',
  'tests/flows/shutdown.test.ts',
  'tests/browser/sign-in.test.ts',
  'tests/management/promises.test.ts',
  'tests/management/users.test.ts',
  'tests/attacks/one-gate.test.ts',
  'tests/attacks/password-guessing.test.ts',
  'tests/sdks/auth0-lock.test.ts',
  'tests/features/removability.test.ts',
  'tests/features/order.test.ts',
  'tests/attacks/second-tenant.test.ts',
  'tests/attacks/ticket-in-another-browser.test.ts',
]

export const files: readonly string[] = [
  ...new Set([...LONGEST, ...globSync('tests/**/*.test.ts', { cwd: ROOT }).sort()]),
].filter(file => !MEASURING.test(file))

/** To be called once, by a process's own file. */
export function takeFiles(): void {
  const folder = process.env['LATCHKEY_TEST_TAKEN']
  if (!folder) throw new Error('Nothing says which files are taken: run them by `npm run test:flows`')
  const waiting = files.values()
  let taken: string | undefined
  let isOver = false
  const top = new AsyncResource('taking files')
  const takeNext = (): void => {
    const file = waiting.find(one => take(join(folder, one.replaceAll('/', '-'))))
    taken = file
    if (file === undefined) {
      isOver = true
      return
    }
    top.runInAsyncScope(() => {
      describe(file, { timeout: ENDS_WITHIN }, async () => {
        after(takeNext)
        await import(new URL(file, ROOT).href)
      })
    })
  }
  takeNext()
  process.on('exit', () => {
    if (isOver) return
    console.error('Files were left that nobody took')
    process.exitCode = 1
  })
  // The runner fails the run, and where it no longer knows of which test says neither where nor why.
  process.on('unhandledRejection', error => console.error(`In ${taken}:`, error))
}

function take(mark: string): boolean {
  try {
    closeSync(openSync(mark, 'wx'))
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}
