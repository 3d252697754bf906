/** The database goes away while somebody signs in: the application hears of it in the way it asked to be answered. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { onEachStage, signIn } from './stage.ts'
import { JO, WEB_ORIGIN } from './tenant.ts'

onEachStage('When the database does not answer', stage => {
  test('a silent request is answered server_error, by redirect and by message, and nothing of the cause', async t => {
    const person = stage.person()
    const spa = await stage.spa()
    await signIn(spa, person, JO)
    const { store } = stage.server.latchkey
    t.mock.method(store.sessions, 'inBrowser', () => Promise.reject(new Error('connect ECONNREFUSED 10.0.0.7')))

    const redirected = await person.visit((await spa.begin({ prompt: 'none' })).url)
    assert.equal(redirected.left, true)
    assert.equal(redirected.url.searchParams.get('error'), 'server_error')
    assert.doesNotMatch(redirected.url.href, /10\.0\.0\.7/)

    const message = await person.visit((await spa.begin({ prompt: 'none', response_mode: 'web_message' })).url)
    assert.equal(message.status, 200)
    assert.match(message.html, /"error":"server_error"/)
    assert.ok(message.html.includes(JSON.stringify(WEB_ORIGIN)))
    assert.doesNotMatch(message.html, /10\.0\.0\.7/)
  })
})
