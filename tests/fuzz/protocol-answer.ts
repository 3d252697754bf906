/** What every program is answered, whatever it sent. */
import assert from 'node:assert/strict'

/** RFC 6749 §5.2, and no word of how we are made. */
export function assertProtocolAnswer({ statusCode, body }: { statusCode: number; body: string }): void {
  assert.ok(
    statusCode === 200 || statusCode === 201 || (statusCode >= 400 && statusCode < 500),
    `${statusCode} ${body}`,
  )
  if (statusCode < 400) return
  const { error, error_description: description = '' } = JSON.parse(body)
  assert.match(error, /^[a-z_]+$/)
  assert.match(description, /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/)
  assert.doesNotMatch(description, /node_modules|\.ts\b|select |undefined/)
}
