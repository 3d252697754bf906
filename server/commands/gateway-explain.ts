/** `latchkey gateway explain`: the plan of a route file, opened to ask one question of it. What is asked is `gateway/explain.ts`. */
import { isIP } from 'node:net'
import { loadSettings } from '../config/load.ts'
import { keepHere, openCredentials } from '../gateway/credentials/open-credentials.ts'
import { type Asked, type Explanation, explain } from '../gateway/explain.ts'
import { type OpenIssuer, openIssuer } from '../gateway/issuers.ts'
import { readRouteFile } from '../gateway/route-file/read.ts'
import { createTokenCache } from '../gateway/token-cache.ts'
import { OperatorError } from '../kernel/errors.ts'
import { createLog } from '../kernel/json-log.ts'
import { SECOND } from '../kernel/seconds.ts'
import { type Answering, answer, warn } from './answer.ts'
import { namedFile, readingNow } from './gateway.ts'
import { readPiped } from './secret.ts'

interface ExplainArguments extends Answering {
  readonly route: string
  readonly token?: string | undefined
  readonly 'token-stdin'?: boolean | undefined
  readonly config?: string | undefined
  readonly address?: string | undefined
  readonly follow?: boolean | undefined
}

/** How long what was revoked is waited for. */
const PATIENCE = 5 * SECOND
const LOOKS_EVERY = 50

export async function explainRequest(given: ExplainArguments): Promise<void> {
  const asked = askedOf(given, await tokenOf(given))
  const { logLevel, gatewayConfig } = loadSettings(process.env)
  const { plan, warnings } = await readRouteFile(namedFile(given.config, gatewayConfig), readingNow())
  if (!given.json) for (const warning of warnings) warn(`warning: ${warning}`)
  const log = await createLog(logLevel === 'info' ? 'warn' : logLevel, { pretty: process.stderr.isTTY, to: 2 })

  const issuers = await Promise.all(
    plan.issuers.map(one => openIssuer(given.follow ? one : { ...one, followsRevocations: false }, log)),
  )
  try {
    await Promise.all(issuers.map(firstReading))
    const parts = { issuers, cache: createTokenCache(), redis: null, kept: keepHere(Date.now), clock: Date.now, log }
    const { credentials } = await openCredentials(plan, parts)
    const explanation = await explain(plan, credentials, asked, Date.now())
    if (explanation.outcome !== 'passes') process.exitCode = 1
    answer(given, explanation, () => sentencesOf(explanation))
  } finally {
    for (const issuer of issuers) await issuer.close()
  }
}

async function tokenOf({ token, 'token-stdin': isPiped }: ExplainArguments): Promise<string | null> {
  if (token !== undefined && isPiped)
    throw new OperatorError('Give the token by --token or --token-stdin, not by both.')
  const text = isPiped ? await readPiped('--token-stdin') : token
  return text?.trim() || null
}

/** Read as it is: a URL parser would have normalised what the gateway is to judge. */
function askedOf({ route, address = '127.0.0.1' }: ExplainArguments, token: string | null): Asked {
  const [, method, scheme, authority = '', target = '/'] =
    /^([A-Z]{1,20}) +(?:(https?):\/\/([^/?#]+))?(\/.*)?$/.exec(route) ?? []
  if (method === undefined)
    throw new OperatorError('--route is a method and a URL or a path, such as "GET https://api.example.com/videos".')
  if (isIP(address) === 0) throw new OperatorError(`--address is an IP address, not "${address}".`)
  return { method, authority, isSecure: scheme === 'https', target, token, address }
}

/** Of what was revoked. An issuer that is away is told of by how old what is known of it is. */
async function firstReading({ revocations }: OpenIssuer): Promise<void> {
  for (let waited = 0; revocations && !Number.isFinite(revocations.age()) && waited < PATIENCE; waited += LOOKS_EVERY)
    await new Promise(resolve => setTimeout(resolve, LOOKS_EVERY))
}

function sentencesOf({ steps, outcome, status, code }: Explanation): readonly string[] {
  const marks = new Map([
    [true, '+'],
    [false, '-'],
    [null, ' '],
  ])
  const result =
    outcome === 'passes'
      ? 'it passes'
      : outcome === 'answered'
        ? `the gateway answers itself, ${status}`
        : `refused, ${status} ${code}`
  return [...steps.map(({ about, isGood, says }) => `${marks.get(isGood)} ${about.padEnd(12)} ${says}`), `= ${result}`]
}
