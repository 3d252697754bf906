/** Mail by SMTP: one connection a mail, so that none is sent into one that a firewall has forgotten. */
import { isIP } from 'node:net'
import { createTransport } from 'nodemailer'
import type { SmtpServer } from '../config/smtp-url.ts'
import { SECOND } from '../kernel/seconds.ts'
import type { Delivery, Transport } from './transport.ts'

/** Mail servers answer within seconds; one that wants minutes is tried again. */
const PATIENCE = { connectionTimeout: 10 * SECOND, greetingTimeout: 10 * SECOND, socketTimeout: 30 * SECOND }

/** `address`: the one of the host's that is connected to, where somebody has looked them up; its certificate is for the host. */
export function smtpTransport({ host, port, protection, login }: SmtpServer, address = host): Transport {
  const transporter = createTransport({
    host: address,
    port,
    secure: protection === 'tls',
    requireTLS: protection === 'starttls',
    // Offered by a server on this machine, its certificate would be for another name.
    ignoreTLS: protection === 'none',
    tls: { minVersion: 'TLSv1.2', ...(isIP(host) === 0 && { servername: host }) },
    ...(login && { auth: { user: login.user, pass: login.password } }),
    ...PATIENCE,
  })
  return async ({ from, to, bytes }, signal) => {
    try {
      await transporter.sendMail({ envelope: { from, to: [to] }, raw: bytes, signal })
      return { outcome: 'delivered' }
    } catch (error) {
      return whatHappened(error as SmtpFailure)
    }
  }
}

/** Of the library: `response` and with it the message repeat what the server said, which may be an address. */
interface SmtpFailure extends Error {
  readonly code?: string
  readonly command?: string
  readonly responseCode?: number
  readonly response?: string
}

/** Failures of the wire: their messages name the server and what the matter is with it, and nobody else. */
const OF_THE_WIRE = ['ECONNECTION', 'EDNS', 'ESOCKET', 'ETIMEDOUT', 'ETLS']

function whatHappened({ code, command, responseCode, response, message }: SmtpFailure): Delivery {
  if (responseCode === undefined)
    return { outcome: 'failed', reason: OF_THE_WIRE.includes(code ?? '') ? message : `it ended with ${code}` }
  // RFC 3463: the status beside the reply, which says more and still names nobody.
  const [, status = ''] = /^\d{3}[ -](\d\.\d{1,3}\.\d{1,3})\b/.exec(response ?? '') ?? []
  return {
    outcome: isForGood(command, responseCode) ? 'refused' : 'failed',
    reason: `${command} was answered with ${[responseCode, status].filter(Boolean).join(' ')}`,
  }
}

/**
 * RFC 5321 §4.2.1: 5yz is for good. Where it is about the recipient or the message, that is; where it is about us (a
 * login, a sender's address), the operator can mend it while the mail waits.
 */
const isForGood = (command: string | undefined, responseCode: number): boolean =>
  responseCode >= 500 && (command === 'RCPT TO' || command === 'DATA')
