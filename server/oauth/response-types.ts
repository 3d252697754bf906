/** Which response types there are with these features: those of which each member is somebody's to answer. */
import { type ResponseType, responseTypesOf } from '../policy/response-types.ts'
import type { Feature } from './feature.ts'

export const supportedResponseTypes = (features: readonly Feature[]): readonly ResponseType[] =>
  responseTypesOf(features.flatMap(({ answers }) => answers ?? []))
