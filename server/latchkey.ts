#!/usr/bin/env node
/**
 * Where the installed command begins: on the right Node, and on few bytes. What a checkout's npm scripts say on their
 * command line is said here for it, since a file that npm links cannot carry settings of its own. Which command is
 * meant is `main.ts`'s. Nothing is imported by name, so that a Node too old for the rest still reads this.
 */
import process from 'node:process'

/** As `engines` has it. */
const OLDEST_NODE = 26

/**
 * glibc's. Without the first it keeps what a few password hashes at once have taken: 180 MiB in place of 65 after ten
 * sign-ins. With it, what a hash fills comes page by page from the system each time, which takes a third as long as the
 * hash does; the second has it come in pages of 2 MiB, where the kernel gives such to who asks.
 */
const ALLOCATOR = { MALLOC_TRIM_THRESHOLD_: '131072', GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }

/**
 * V8's: how large what is newly made may get, in mebibytes, before what is garbage of it goes (docs/decisions/0082), and by
 * how much everything may grow over what lives of it (docs/decisions/0081).
 */
const HEAP = ['--max-semi-space-size=8', '--heap-growing-percent=100']

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
 * They are read when a process starts and never again. So the server replaces itself, once, by the same program with them:
 * the process keeps its id, and the start takes as much longer as Node needs to begin, some 30 ms. Whoever sets one is
 * not overruled. Workers are started as the process that starts them was.
 */
function beLean(): void {
  const { argv, env, execArgv, execPath } = process
  const isHeapSet = [...execArgv, env['NODE_OPTIONS'] ?? ''].some(flags => /max[-_]semi[-_]space[-_]size/.test(flags))
  const isLean = isHeapSet && Object.keys(ALLOCATOR).every(name => name in env)
  // Windows cannot replace a process.
  if (argv[2] !== 'serve' || isLean || !process.execve || process.platform === 'win32') return
  const flags = isHeapSet ? execArgv : [...HEAP, ...execArgv]
  process.execve(execPath, [execPath, ...flags, ...argv.slice(1)], { ...ALLOCATOR, ...env })
}
