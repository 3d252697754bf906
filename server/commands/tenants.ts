/** `latchkey tenants …`: what the operator types and reads. What is done is `operations/tenants.ts`. */
import { type Answering, answer, table } from './answer.ts'
import { ask } from './ask.ts'

export async function createTenant(name: string, given: Answering & { issuer: string }): Promise<void> {
  const tenant = await ask('tenants create', { name, issuer: given.issuer })
  answer(given, tenant, () => [
    `The tenant ${tenant.id} answers at ${given.issuer} as soon as that host leads to this server.`,
    `Its applications and people come with latchkey apply … --tenant ${tenant.id}`,
  ])
}

export async function addHost(tenant: string, given: Answering & { issuer: string }): Promise<void> {
  const changed = await ask('tenants add-host', { tenant, issuer: given.issuer })
  answer(given, changed, () => [`The tenant ${changed.id} answers at ${changed.issuers.join(' and ')}`])
}

export async function listTenants(given: Answering): Promise<void> {
  const tenants = await ask('tenants list', {})
  answer(given, tenants, () =>
    table(
      ['id', 'name', 'issuers'],
      tenants.map(({ id, name, issuers }) => [id, name, issuers.join(' ')]),
    ),
  )
}
