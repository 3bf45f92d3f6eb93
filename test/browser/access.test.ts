import type { Browser } from 'playwright-core'
import t from 'tap'
import type { Test } from 'tap'
import { askAdmin, untilService } from '../e2e/support/admin-api.ts'
import { buildConfig, buildRolloutService } from '../e2e/support/config.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { startSerin, writeConfig } from '../e2e/support/serin-process.ts'
import { until } from '../e2e/support/until.ts'
import { startUpstream } from '../support/fake-upstream.ts'
import { freePort } from '../support/free-port.ts'
import { findFaults } from './support/axe.ts'
import { launchBrowser, openOn, openPage } from './support/browser.ts'
import { UNDER_WAY } from './support/scripts.ts'
import { CURTAIN, openStage } from './support/stage.ts'

const TOKENS = [
  {
    name: 'ops',
    token: 'ops-token-0123456789',
    scopes: ['read', 'operate'],
    services: null,
    expiresAt: null,
  },
  {
    name: 'viewer',
    token: 'viewer-token-0123456',
    scopes: ['read'],
    services: null,
    expiresAt: null,
  },
  {
    name: 'labels',
    token: 'labels-token-0123456',
    scopes: ['feedback'],
    services: null,
    expiresAt: null,
  },
  {
    name: 'old',
    token: 'old-token-0123456789',
    scopes: ['read'],
    services: null,
    expiresAt: CURTAIN - 1,
  },
  {
    name: 'guest',
    token: 'guest-token-01234567',
    scopes: ['read'],
    services: null,
    expiresAt: CURTAIN + 1000,
  },
] as const

void t.test('browser/access', skipWithout('chromium'), async (t) => {
  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  // At the same time: most of both is waiting.
  t.jobs = 2
  await Promise.all([
    t.test('who may look, and do', { buffered: true }, (t) => testTokens(t, browser)),
    t.test('a gateway that goes away and comes back', { buffered: true }, (t) =>
      testReturn(t, browser),
    ),
  ])
})

async function testTokens(t: Test, browser: Browser): Promise<void> {
  const stage = await openStage({ scripts: [UNDER_WAY], tokens: TOKENS })
  t.teardown(stage.close)
  const open = openOn(t, browser, stage)

  /** Opens a view and signs in. */
  const enter = async (t: Test, token: string, hash = '#/services/credit-risk') => {
    const opened = await open(t, hash)
    await opened.page.getByLabel('Token').fill(token)
    await opened.page.getByRole('button', { name: 'Sign in' }).click()
    return opened
  }

  await t.test('without a token nothing is shown but the question for one', async (t) => {
    const { page, faults } = await open(t, '#/services/credit-risk')
    await page.getByLabel('Token').waitFor()
    t.notMatch(await page.content(), 'credit-risk')
    t.equal(await page.getByRole('alert').count(), 0, 'nothing is wrong yet')
    t.same(await findFaults(page), [])
    await page.emulateMedia({ colorScheme: 'dark' })
    t.same(await findFaults(page), [])
    t.same(faults, [])
  })

  await t.test('a token that is not known is asked for again', async (t) => {
    const { page } = await enter(t, 'no-such-token')
    await page.getByText('this token is not known').waitFor()
    t.equal(await page.evaluate('sessionStorage.length'), 0, 'it is not kept')
  })

  await t.test('an expired token is told as such', async () => {
    const { page } = await enter(t, 'old-token-0123456789')
    await page.getByText('token "old" expired at').waitFor()
  })

  await t.test(
    'a token is kept for this tab: a reload does not ask, signing out forgets',
    async (t) => {
      const { page, faults } = await enter(t, 'ops-token-0123456789')
      await page.getByRole('button', { name: 'Abort' }).waitFor()
      await page.reload()
      await page.getByRole('button', { name: 'Abort' }).waitFor()
      const other = await page.context().newPage()
      await other.goto(stage.url)
      await other.getByLabel('Token').waitFor()
      t.equal(await page.evaluate('localStorage.length + document.cookie.length'), 0)
      await page.getByRole('button', { name: 'Sign out' }).click()
      await page.getByLabel('Token').waitFor()
      t.equal(await page.evaluate('sessionStorage.length'), 0)
      t.same(faults, [])
    },
  )

  await t.test(
    'without the scope `operate` there is everything to read and nothing to press',
    async (t) => {
      const { page } = await enter(t, 'viewer-token-0123456')
      await page.getByText('does not have the scope').waitFor()
      await page.getByRole('article', { name: 'rmse', exact: true }).waitFor()
      t.equal(await page.getByRole('group', { name: 'What to do' }).count(), 0)
      t.match(await page.locator('.actor').textContent(), 'viewer · read only')
    },
  )

  await t.test('without the scope `read` another token is asked for', async (t) => {
    const { page } = await enter(t, 'labels-token-0123456', '#/')
    await page.getByText('token "labels" has the scopes feedback; this needs read').waitFor()
    await page.getByLabel('Token').waitFor()
    t.notMatch(await page.textContent('body'), /Asking the gateway|read only/)
    t.equal(await page.evaluate('sessionStorage.length'), 0, 'it is not kept')
  })

  await t.test('a token that expires while somebody looks ends what they see', async (t) => {
    const { page } = await enter(t, 'guest-token-01234567')
    await page.locator('.link-live').waitFor()
    await stage.advance(2000)
    await page.getByText('token "guest" expired at').waitFor({ timeout: 60_000 })
    t.notMatch(await page.content(), 'credit-risk')
  })
}

async function testReturn(t: Test, browser: Browser): Promise<void> {
  const upstream = await startUpstream((_req, res) => res.end('{"outputs":[{"data":[1]}]}'))
  t.teardown(upstream.close)
  const port = await freePort()
  const folder = t.testdir({})
  const origins = { baseline: upstream.origin, canary: upstream.origin }
  const file = writeConfig(
    folder,
    buildConfig(
      folder,
      { pricing: buildRolloutService(origins, { rollout: { start: 'manual' } }) },
      { admin: { listen: `127.0.0.1:${port}` } },
    ),
  )
  const first = await startSerin(t, file)
  const { page, faults } = await openPage(browser, `${first.admin}/#/services/pricing`, {
    now: Date.now(),
  })
  t.teardown(() => page.context().close())
  await page.getByRole('button', { name: 'Start' }).waitFor()
  // With its first decision: another revision would end the question below.
  await untilService(first.admin, 'pricing', 'it is decided', (s) => s.lastDecision !== null)

  first.kill('SIGKILL')
  await first.ended
  await page.getByText('The gateway does not answer').waitFor()
  await page.locator('.link-sign', { hasText: 'not connected' }).waitFor()
  await page.getByRole('heading', { name: 'pricing' }).waitFor()

  const second = await startSerin(t, file)
  await page.locator('.link-live').waitFor({ timeout: 60_000 })
  await page.getByText('The gateway does not answer').waitFor({ state: 'detached' })
  await until('the lease of the dead one is over', async () => {
    const { checks } = (await askAdmin(second.admin, '/readyz')).json<{
      checks: { evaluator: string }
    }>()
    return checks.evaluator === 'decides'
  })
  await page.getByRole('button', { name: 'Start' }).click()
  await page.getByLabel('Reason').fill('it is back')
  await page.getByRole('dialog').getByRole('button', { name: 'Start' }).click()
  await page.locator('.page-head .badge', { hasText: 'progressing' }).waitFor()
  await page.locator('.log > li', { hasText: '“it is back”' }).waitFor()
  t.same(
    faults.filter((fault) => !fault.includes('ERR_')),
    [],
  )
}
