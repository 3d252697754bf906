import assert from 'node:assert/strict'
import { test } from 'node:test'
import { networkOf } from './network-of.ts'

test('an IPv4 address speaks for itself, in IPv6 clothes too', () => {
  assert.equal(networkOf('192.0.2.7'), '192.0.2.7')
  assert.equal(networkOf('::ffff:192.0.2.7'), '192.0.2.7')
  assert.equal(networkOf('::FFFF:192.0.2.7'), '192.0.2.7')
})

for (const [network, addresses] of Object.entries({
  '2001:db8:1:2::/64': [
    '2001:db8:1:2:3:4:5:6',
    '2001:db8:1:2::',
    '2001:db8:1:2::1',
    '2001:0DB8:0001:0002:ffff:ffff:ffff:ffff',
    '2001:db8:1:2:3:4:192.0.2.7',
  ],
  '2001:db8:0:0::/64': ['2001:db8::1', '2001:db8::1:2:3:4', '2001:db8:0:0:9::', '2001:db8::5:192.0.2.7'],
  '0:0:0:0::/64': ['::1', '::', '::1:2:3:4'],
  'fe80:0:0:0::/64': ['fe80::1', 'fe80::1%eth0'],
}))
  test(`every address of ${network} is one caller`, () => {
    for (const address of addresses) assert.equal(networkOf(address), network, address)
  })

test('neighbouring networks are different callers', () => {
  assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'))
  assert.notEqual(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:21::1'))
})

test('what is no address is counted as it is, and breaks nothing', () => {
  for (const text of ['', 'unknown', ':::', '1.2.3', 'the command line', '%', '::%'])
    assert.equal(typeof networkOf(text), 'string', text)
  assert.equal(networkOf('the command line'), 'the command line')
})
