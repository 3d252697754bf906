#!/usr/bin/env node
/**
 * Where the installed command begins: on the right Node, and on few bytes. What a checkout's npm scripts say on their
 * command line is said here for it, since a file that npm links cannot carry options of its own. Which command is
 * meant is `main.ts`'s. Nothing is imported by name, so that a Node too old for the rest still reads this.
 */
import process from 'node:process'

/** As `engines` has it. */
const OLDEST_NODE = 26

/** Measured: 136 MiB at rest become 116, and requests are not slower for it. */
const HEAP_OPTION = '--max-semi-space-size=1'
/** Without it, glibc keeps what a few password hashes at once have taken: 180 MiB in place of 65 after ten sign-ins. */
const ALLOCATOR_VARIABLE = 'MALLOC_TRIM_THRESHOLD_'
const ALLOCATOR_VALUE = '131072'

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(
    `Latchkey needs Node ${OLDEST_NODE} or later, and this is ${process.version}. Install it from https://nodejs.org.\n`,
  )
  process.exitCode = 1
} else {
  beLean()
  await import('./main.ts')
}

/**
 * Both are read when a process starts and never again. So the server replaces itself, once, by the same program with
 * both: the process keeps its id, and the start takes as much longer as Node needs to begin, some 30 ms. Whoever sets one of them is not overruled.
 */
function beLean(): void {
  const { argv, env, execArgv, execPath } = process
  const hasOption = [...execArgv, env['NODE_OPTIONS'] ?? ''].some(text => text.includes('--max-semi-space-size'))
  const isLean = hasOption && ALLOCATOR_VARIABLE in env
  // Windows cannot replace a process.
  if (argv[2] !== 'serve' || isLean || !process.execve || process.platform === 'win32') return
  const options = hasOption ? execArgv : [...execArgv, HEAP_OPTION]
  process.execve(execPath, [execPath, ...options, ...argv.slice(1)], {
    [ALLOCATOR_VARIABLE]: ALLOCATOR_VALUE,
    ...env,
  })
}
