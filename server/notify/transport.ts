/** The ways mail goes, as a type. A message that could not be delivered is no exception: it happens every day. */
import type { Message } from './message.ts'

/** `refused`: no other try will help. `failed`: it may. The reason is for logs: it names no address and no secret. */
export type Delivery =
  | { readonly outcome: 'delivered' }
  | { readonly outcome: 'refused' | 'failed'; readonly reason: string }

/** Gives up, as `failed`, when the signal says so; whether the message has arrived is then not known. */
export type Transport = (message: Message, signal: AbortSignal) => Promise<Delivery>
