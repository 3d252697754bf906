/** The process of `bare.ts`. */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto'
import { hashPassword } from '../server/identity/password-hash.ts'
import type { BareCall } from './bare.ts'
import { answerParent } from './processes.ts'

/** About what the header and the claims of an access token are as text. */
const TOKEN = randomBytes(500)

const { privateKey: rsa } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { privateKey: ec } = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const signWith = (key: KeyObject, options: object) => () =>
  new Promise<void>((resolve, reject) =>
    sign('sha256', TOKEN, { key, ...options }, error => (error ? reject(error) : resolve())),
  )

const CALLS: Readonly<Record<BareCall['call'], () => Promise<unknown>>> = {
  RS256: signWith(rsa, {}),
  ES256: signWith(ec, { dsaEncoding: 'ieee-p1363' }),
  argon2id: () => hashPassword('a lighthouse in the fog'),
}

answerParent<BareCall, number>(async ({ call, inFlight, milliseconds }) => {
  const began = performance.now()
  let calls = 0
  const keepBusy = async (): Promise<void> => {
    while (performance.now() - began < milliseconds) {
      await CALLS[call]()
      calls += 1
    }
  }
  await Promise.all(Array.from({ length: inFlight }, keepBusy))
  return (calls / (performance.now() - began)) * 1000
})
