/** Whatever an operator's file holds, it is read or its faults are told: no other error, and no file that takes for ever. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { stringify } from 'yaml'
import { OperatorError } from '../../server/kernel/errors.ts'
import { parseTenantFile } from '../../server/tenant-file/read.ts'
import { TENANT_FILE } from '../flows/tenant.ts'
import { text } from './arbitraries.ts'
import { assertHolds } from './budget.ts'
import { places, withValueAt } from './places.ts'

async function assertReadOrRefused(written: string): Promise<void> {
  try {
    const { findings } = await parseTenantFile({ name: 'tenant.yaml', text: written })
    findings.settle()
  } catch (error) {
    assert.ok(error instanceof OperatorError, `${(error as Error).stack}`)
  }
}

describe('A tenant file', () => {
  test('of any text is read or refused in a sentence', () =>
    assertHolds(
      fc.asyncProperty(
        fc.oneof(
          text(),
          fc.jsonValue().map(value => stringify(value)),
          fc.string({ unit: fc.constantFrom(...'{}[]&*!|>-?:#, \n\t%@`"\'a1') }),
        ),
        assertReadOrRefused,
      ),
    ))

  test('that is sound but for one value is read or refused in a sentence', () =>
    assertHolds(
      fc.asyncProperty(
        fc.constantFrom(...places(TENANT_FILE)),
        fc.oneof(fc.jsonValue({ maxDepth: 3 }), text(), fc.double(), fc.date().map(String)),
        (path, value) => assertReadOrRefused(stringify(withValueAt(TENANT_FILE, path, value))),
      ),
    ))
})
