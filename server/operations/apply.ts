/** A tenant file applied, or what that would change. Whoever asked has read it, from where they are and as who they are, and parsed it. */
import type { JsonObject } from '../kernel/json.ts'
import { type Applied, applyParsed, type Planned, planParsed } from '../tenant-file/apply.ts'
import { exportTenant } from '../tenant-file/export.ts'
import { unpackTenantFile } from '../tenant-file/packed.ts'
import { findTenant, type Operation } from './operation.ts'

export const applyFile: Operation<{ tenant: string; file: JsonObject }, Applied> = async (services, { tenant, file }) =>
  applyParsed(services, await findTenant(services, tenant), unpackTenantFile(file))

export const planFile: Operation<{ tenant: string; file: JsonObject }, Planned> = async (services, { tenant, file }) =>
  planParsed(services, await findTenant(services, tenant), unpackTenantFile(file))

export const exportFile: Operation<{ tenant: string }, JsonObject> = async (services, { tenant }) =>
  exportTenant(services, await findTenant(services, tenant))
