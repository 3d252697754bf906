/** How a process that serves ends when it is told to. */
import type { Log } from './log.ts'

/**
 * On SIGTERM or SIGINT. A terminal sends SIGINT to the whole group and npm passes it on again, so a second signal means
 * nothing more.
 */
export function closeOnSignals(close: () => Promise<void>, log: Log): void {
  let isClosing = false
  const end = async (signal: string) => {
    if (isClosing) return
    isClosing = true
    log.info({ signal }, 'closing')
    try {
      await close()
      log.info({}, 'closed')
      process.exit(0)
    } catch (error) {
      log.error({ error }, 'closing failed')
      process.exit(1)
    }
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}
