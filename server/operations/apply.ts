/** A tenant file applied. Whoever asked has read it, from where they are and as who they are, and parsed it. */
import type { JsonObject } from '../kernel/json.ts'
import { type Applied, applyParsed } from '../tenant-file/apply.ts'
import { unpackTenantFile } from '../tenant-file/packed.ts'
import { findTenant, type Operation } from './operation.ts'

export const applyFile: Operation<{ tenant: string; file: JsonObject }, Applied> = async (services, { tenant, file }) =>
  applyParsed(services, await findTenant(services, tenant), unpackTenantFile(file))
