import assert from 'node:assert/strict'
import { test } from 'node:test'
import { organizationNameFault } from './organization-name.ts'

test('an organization is called what fits a host, a path and a claim, and never what an id looks like', () => {
  for (const name of ['acme', 'a', '24-hour_video', '9', 'a'.repeat(50), 'org-1', 'orgone'])
    assert.equal(organizationNameFault(name), undefined, name)
  for (const name of ['', 'Acme', '-acme', '_acme', 'ac me', 'acmé', 'acme.inc', 'a'.repeat(51), 'org_1', 'acme\n'])
    assert.notEqual(organizationNameFault(name), undefined, name)
})
