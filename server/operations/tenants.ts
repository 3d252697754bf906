/** Tenants made and listed, and the hosts they answer on. What a tenant is made of besides is its tenant file's. */
import { applied } from '../audit/events.ts'
import { readIssuer } from '../config/schema.ts'
import { createDatabase } from '../identity/users.ts'
import { OperatorError } from '../kernel/errors.ts'
import { newId } from '../kernel/ids.ts'
import type { Transaction } from '../store/store.ts'
import type { TenantRecord } from '../store/tenants.ts'
import { findTenant, type Operation, type OperatorServices, occasionOfCommand } from './operation.ts'

export type Tenant = {
  readonly id: string
  readonly name: string
  readonly issuers: readonly string[]
}

const LONGEST_NAME = 100
const LISTED_AT_ONCE = 500

/** With its database of passwords and nothing else; its keys are made when they are first wanted. */
export const createTenant: Operation<{ name: string; issuer: string }, Tenant> = async (services, given) => {
  const { store, clock } = services
  const name = readName(given.name)
  const issuer = readIssuer('--issuer', given.issuer)
  return store.transaction(async transaction => {
    if (await transaction.tenants.findByName(name)) throw new OperatorError(`There is a tenant "${name}" already.`)
    // Either is taken for a tenant, and the id comes first: the other would be reached by neither.
    if (await transaction.tenants.find(name)) throw new OperatorError(`"${name}" is the id of another tenant.`)
    const id = await freeId(transaction, name)
    const occasion = occasionOfCommand(id, clock)
    if ((await transaction.tenants.create({ id, name, settings: {}, createdAt: occasion.at })) === 'taken')
      throw new OperatorError(`Somebody else makes a tenant "${name}" at this moment. Nothing was done.`)
    await createDatabase(transaction, id)
    await takeHost(transaction, id, issuer)
    await transaction.events.record([applied(occasion, 'tenant', id, 'created', 'command')])
    return { id, name, issuers: [issuer] }
  })
}

/** One more host for a tenant. A host it has already gets the issuer as it is given now. */
export const addHost: Operation<{ tenant: string; issuer: string }, Tenant> = async (services, given) => {
  const { store, clock } = services
  const issuer = readIssuer('--issuer', given.issuer)
  const tenant = await findTenant(services, given.tenant)
  await store.transaction(async transaction => {
    await takeHost(transaction, tenant, issuer)
    const occasion = occasionOfCommand(tenant, clock)
    await transaction.events.record([applied(occasion, 'tenant', tenant, 'changed', 'command')])
  })
  const record = await store.tenants.find(tenant)
  const [changed] = await withIssuers(services, record ? [record] : [])
  if (!changed) throw new TypeError(`The tenant ${tenant} went away`)
  return changed
}

/** In the order of their ids. */
export const listTenants: Operation<Record<never, never>, readonly Tenant[]> = async services => {
  const listed: Tenant[] = []
  for (;;) {
    const after = listed.at(-1)?.id
    const page = await services.store.tenants.list({ limit: LISTED_AT_ONCE, ...(after !== undefined && { after }) })
    listed.push(...(await withIssuers(services, page)))
    if (page.length < LISTED_AT_ONCE) return listed
  }
}

async function withIssuers({ store }: OperatorServices, records: readonly TenantRecord[]): Promise<Tenant[]> {
  const [first, ...rest] = records.map(({ id }) => id)
  if (first === undefined) return []
  const hosts = Map.groupBy(await store.tenants.hostsOf(first, ...rest), ({ tenant }) => tenant)
  return records.map(({ id, name }) => ({ id, name, issuers: (hosts.get(id) ?? []).map(({ issuer }) => issuer) }))
}

async function takeHost({ tenants, announce }: Transaction, tenant: string, issuer: string): Promise<void> {
  const { host } = new URL(issuer)
  if ((await tenants.putHost({ host, tenant, issuer })) === 'taken')
    throw new OperatorError(
      `The host ${host} belongs to the tenant ${(await tenants.findHost(host))?.tenant}. Nothing was done.`,
    )
  announce({ topic: 'host', tenant, id: host })
}

function readName(given: string): string {
  const name = given.trim().normalize('NFC')
  if (name === '' || [...name].length > LONGEST_NAME || /\p{C}/u.test(name))
    throw new OperatorError(`A tenant's name is 1 to ${LONGEST_NAME} characters that can be seen.`)
  return name
}

/** `Films & Co.` is `films-co`, or `films-co-2` beside another; a name without Latin letters says nothing to an id. */
async function freeId({ tenants }: Transaction, name: string): Promise<string> {
  const plain = name
    .normalize('NFKD')
    .toLowerCase()
    .replace(/\p{M}/gu, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 40)
  if (plain === '') return newId('tenant')
  let id = plain
  for (let count = 2; (await tenants.find(id)) || (await tenants.findByName(id)); count++) id = `${plain}-${count}`
  return id
}
