/** Which APIs a request names, at every endpoint that takes one. */
import type { ResourceServer, ResourceServers } from '../clients/resource-servers.ts'
import type { Parameters } from '../http/parameters.ts'
import { ProtocolError } from '../kernel/errors.ts'
import { isObject, type JsonObject } from '../kernel/json.ts'
import { userinfoAudience } from '../tokens/access-token.ts'

/** Each once, the first named first. `audience` and `resource` may both be sent if they say the same. */
export function namedAudiences(parameters: Parameters): readonly string[] {
  const audience = parameters.get('audience')
  const resources = [...new Set(parameters.all('resource'))]
  if (audience === undefined) return resources
  if (resources.some(resource => resource !== audience))
    throw new ProtocolError('invalid_target', 'audience and resource name different APIs.')
  return [audience]
}

/** For a token, which is for one API at a time: the one that is named, if any. */
export function namedAudience(parameters: Parameters): string | undefined {
  const [named, ...others] = namedAudiences(parameters)
  if (others.length > 0) throw new ProtocolError('invalid_target', 'Name one resource a token request.')
  return named
}

/** What an authorization keeps of APIs that had one of their identifier before them: which of them it was given for. */
export const AUDIENCE_NOTE = 'audience'

export const noteOfApis = (apis: readonly ResourceServer[]): JsonObject | undefined => {
  const epochs = apis.filter(({ epoch }) => epoch > 0).map(({ identifier, epoch }) => [identifier, epoch])
  return epochs.length > 0 ? { epochs: Object.fromEntries(epochs) } : undefined
}

/** Whether the authorization is for this API, and not for one of its identifier that was removed since. */
export function isForThisApi(lasting: Readonly<Record<string, JsonObject>>, { identifier, epoch }: ResourceServer) {
  const epochs = lasting[AUDIENCE_NOTE]?.['epochs']
  const given = isObject(epochs) ? epochs[identifier] : undefined
  return epoch === (typeof given === 'number' ? given : 0)
}

/**
 * Which of the granted audiences a token request means. To be asked before anything is spent: a client that
 * asks for what it was not given keeps what it has. Throws `invalid_target`.
 */
export function chooseAudience(
  parameters: Parameters,
  granted: Readonly<Record<string, readonly string[]>>,
  otherwise: string,
): string {
  const named = namedAudience(parameters) ?? otherwise
  if (!Object.hasOwn(granted, named)) throw new ProtocolError('invalid_target', 'The audience was not granted.')
  return named
}

/** Null for `/userinfo` alone. Throws `invalid_target` for an audience that is no API of this tenant. */
export async function findApi(
  servers: ResourceServers,
  tenant: string,
  issuer: string,
  named: string | undefined,
): Promise<ResourceServer | null> {
  if (named === undefined || named === userinfoAudience(issuer)) return null
  const api = await servers.find(tenant, named)
  if (!api) throw new ProtocolError('invalid_target', 'There is no API with this audience.')
  return api
}
