/**
 * Says in one sentence that this Node is too old. npm runs it before the scripts that need Node 26; it is plain
 * JavaScript, because the Node it speaks to may not read TypeScript. The version and the platforms that bring it along
 * are those of `package.json`.
 */
import { readFileSync } from 'node:fs'

const { engines, optionalDependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const wanted = Number(engines.node.replace('>=', ''))

if (Number(process.versions.node.split('.')[0]) < wanted) {
  const pinned = Object.keys(optionalDependencies).map(name => name.replace(/^node-(bin-)?/, ''))
  console.error(
    `Latchkey needs Node ${wanted} or later, and this is ${process.version} on ${process.platform}-${process.arch}. ` +
      `\`npm ci\` brings the right one for ${pinned.join(', ')}; on other platforms install Node ${wanted} from https://nodejs.org.`,
  )
  process.exitCode = 1
}
