/** The basic plan with `response_mode=form_post`, as far as it differs: answers and errors come as forms. */
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { launchBrowser } from '../fixtures/browser.ts'
import { applyTo } from '../fixtures/server.ts'
import { insist } from './insist.ts'
import { onStage } from './stage.ts'
import { FIRST, PERSON, TENANT_FILE } from './tenant.ts'

describe('The basic plan with form_post, on sqlite', () => {
  onStage({ store: 'sqlite', flow: { responseType: 'code', responseMode: 'form_post' } }, stage => {
    test('oidcc-server: the answer arrives as a form, and is worth as much', async () => {
      const party = await stage.relyingParty()
      const modes = party.metadata['response_modes_supported'] as readonly string[]
      assert.ok(modes.includes('form_post'))
      const { answer } = await party.play(stage.person())
      assert.ok(answer.access_token)
    })

    test('oidcc-response-type-missing: the application is told by a form', async () => {
      const party = await stage.relyingParty()
      const asked = party.ask({ response_type: undefined })
      const error = party.takeError(asked, await stage.person().visit(asked.url))
      insist('oidcc-response-type-missing#form', /^(?:unsupported_response_type|invalid_request)$/.test(error), error)
    })

    test('oidcc-prompt-none-not-logged-in: the application is told by a form', async () => {
      const party = await stage.relyingParty()
      const asked = party.ask({ prompt: 'none' })
      assert.equal(party.takeError(asked, await stage.person().visit(asked.url)), 'login_required')
    })

    test('oidcc-server: a browser sends the form by itself, once the person has signed in and consented', async () => {
      const arrived = Promise.withResolvers<{ url: string; type: string; body: string }>()
      const application = createServer(async (request, response) => {
        const { method = '', url = '', headers } = request
        const body = await text(request)
        if (url.startsWith('/callback'))
          arrived.resolve({ url: `${method} ${url}`, type: headers['content-type'] ?? '', body })
        response.end('<!doctype html><title>Landed</title>')
      })
      await new Promise<void>(resolve => application.listen(0, '127.0.0.1', resolve))
      const redirectUri = `http://localhost:${(application.address() as AddressInfo).port}/callback`
      const browser = await launchBrowser()
      try {
        await applyTo(stage.server.latchkey, {
          clients: TENANT_FILE.clients.map(client => ({ ...client, callbacks: [redirectUri] })),
        })
        const party = await stage.relyingParty({ ...FIRST, redirectUri })
        const asked = party.ask({ prompt: 'consent' })
        const page = await browser.newPage()
        await page.goto(asked.url.href)
        await page.fill('[name=username]', PERSON.email)
        await page.fill('[name=password]', PERSON.password)
        await page.press('[name=password]', 'Enter')
        await page.click('[name=decision][value=allow]')
        await page.waitForURL(redirectUri)
        const { url, type, body } = await arrived.promise
        const isSent = url === 'POST /callback' && type === 'application/x-www-form-urlencoded'
        insist('oidcc-server#sent', isSent, { url, type })
        const { code, state, iss } = Object.fromEntries(new URLSearchParams(body))
        assert.deepEqual([state, iss], [asked.state, stage.issuer])
        await party.redeem(asked, code ?? '')
      } finally {
        await browser.close()
        application.close()
        application.closeAllConnections()
      }
    })
  })
})
