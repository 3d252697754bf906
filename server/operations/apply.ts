/** A tenant file applied, or what that would change. Whoever asked has read it, from where they are and as who they are, and parsed it. */
import type { JsonObject } from '../kernel/json.ts'
import { type Applied, applyParsed, type Planned, planParsed } from '../tenant-file/apply.ts'
import { exportTenant } from '../tenant-file/export.ts'
import { unpackTenantFile } from '../tenant-file/packed.ts'
import { findTenant, type Operation } from './operation.ts'

type Asked = { tenant: string; file: JsonObject; removes: boolean }

export const applyFile: Operation<Asked, Applied> = async (services, { tenant, file, removes }) =>
  applyParsed(services, await findTenant(services, tenant), unpackTenantFile(file), { removes })

export const planFile: Operation<Asked, Planned> = async (services, { tenant, file, removes }) =>
  planParsed(services, await findTenant(services, tenant), unpackTenantFile(file), { removes })

export const exportFile: Operation<{ tenant: string }, JsonObject> = async (services, { tenant }) =>
  exportTenant(services, await findTenant(services, tenant))
