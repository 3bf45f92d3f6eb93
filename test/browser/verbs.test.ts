import t from 'tap'
import type { Page } from 'playwright-core'
import { skipWithout } from '../e2e/support/programs.ts'
import { launchBrowser, openOn } from './support/browser.ts'
import { UNDER_WAY, WAITS } from './support/scripts.ts'
import { openStage } from './support/stage.ts'

void t.test('what an operator can ask for', skipWithout('chromium'), async (t) => {
  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  const stage = await openStage({ scripts: [UNDER_WAY, WAITS] })
  t.teardown(stage.close)
  const open = openOn(t, browser, stage)
  const { page, faults } = await open(t, '#/services/credit-risk')

  await t.test('before evidence is overruled it is said', async (t) => {
    await page.getByRole('button', { name: 'Promote' }).click()
    const dialog = page.getByRole('dialog')
    t.match(await dialog.textContent(), /Not known yet whether the canary is .*rmse/)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
  })

  await t.test('pause, with a reason that stands in the log', async (t) => {
    await ask(page, 'Pause', { reason: 'release freeze' })
    await untilPhase(page, 'paused')
    t.match(await page.locator('.verbs .said').textContent(), /paused at 50 %/)
    await page.locator('.log > li', { hasText: '“release freeze”' }).waitFor()
    const [last] = await stage.service('credit-risk').decisions({ after: 0, limit: 1 })
    t.match(last, { action: 'pause', actor: 'operator@loopback', note: 'release freeze' })
  })

  await t.test('resume', async () => {
    await ask(page, 'Resume')
    await untilPhase(page, 'progressing')
  })

  await t.test('set a weight', async (t) => {
    await page.getByRole('button', { name: 'Set weight' }).click()
    await page.getByLabel("Canary's weight, in percent").fill('12.5')
    await submit(page, 'Set weight')
    await untilPhase(page, 'paused')
    t.equal(stage.service('credit-risk').status().weightsBp['canary'], 1250)
    await page.locator('.log > li', { hasText: 'set the canary to 12.5 %' }).waitFor()
  })

  await t.test('promote to the next step, and all the way', async () => {
    await ask(page, 'Resume')
    await untilPhase(page, 'progressing')
    await ask(page, 'Promote')
    await untilPhase(page, 'watching')
  })

  await t.test('undo', async () => {
    await ask(page, 'Undo')
    await untilPhase(page, 'rolled-back')
  })

  await t.test('what the gateway refuses is told in its words, and can be corrected', async (t) => {
    await page.getByRole('button', { name: 'Retry' }).click()
    await submit(page, 'Retry')
    const alert = page.getByRole('dialog').getByRole('alert')
    await alert.waitFor()
    t.match(await alert.textContent(), /^Refused: the cooldown has .* left/)
    await page.getByLabel('do not wait for the cooldown').check()
    await submit(page, 'Retry')
    await untilPhase(page, 'progressing')
    t.match(await page.locator('.facts').textContent(), '#2')
  })

  await t.test('abort', async (t) => {
    await ask(page, 'Abort', { reason: 'enough' })
    await untilPhase(page, 'rolled-back')
    t.equal(stage.service('credit-risk').status().weightsBp['canary'], 0)
  })

  await t.test('a dialog that is left asks for nothing', async (t) => {
    const before = await stage.service('credit-risk').decisions({ after: 0, limit: 100 })
    await page.getByRole('button', { name: 'Retry' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    t.same(await stage.service('credit-risk').decisions({ after: 0, limit: 100 }), before)
  })

  await t.test('nobody decides on what has changed since they looked', async (t) => {
    const { page } = await open(t, '#/services/churn')
    await page.getByRole('button', { name: 'Approve' }).click()
    const dialog = page.getByRole('dialog')
    t.match(await dialog.textContent(), /You decide on revision \d+: paused, step 3 of 5/)
    const by = { actor: 'somebody', note: null }
    await stage.service('churn').command({ verb: 'weights', canaryBp: 700, ...by }, null)
    await dialog.getByText('It has changed since you looked').waitFor()
    t.ok(await dialog.getByRole('button', { name: 'Approve' }).isDisabled())
    await dialog.getByRole('button', { name: 'I have seen it' }).click()
    await dialog.getByText(/canary at 7 %/).waitFor()
    await dialog.getByRole('button', { name: 'Cancel' }).click()
  })

  await t.test(
    'a revision that is stale when it arrives is refused, and says what to do',
    async (t) => {
      const { page } = await open(t, '#/services/churn')
      const byThen = async (route: Parameters<Parameters<Page['route']>[1]>[0]) => {
        const headers = { ...route.request().headers(), 'if-match': '"1"' }
        await route.continue({ headers })
      }
      await page.route('**/abort', byThen)
      await page.getByRole('button', { name: 'Abort' }).click()
      await submit(page, 'Abort')
      const alert = page.getByRole('dialog').getByRole('alert')
      await alert.waitFor()
      t.match(
        await alert.textContent(),
        /decided meanwhile.*Look at what is new, then decide again/,
      )
      await page.unroute('**/abort')
      await submit(page, 'Abort')
      await untilPhase(page, 'rolled-back')
    },
  )

  await t.test('a gateway that does not answer leaves it open what was decided', async (t) => {
    const { page } = await open(t, '#/services/churn')
    await page.route('**/retry', (route) => route.abort())
    await page.getByRole('button', { name: 'Retry' }).click()
    await submit(page, 'Retry')
    const alert = page.getByRole('dialog').getByRole('alert')
    await alert.waitFor()
    t.match(await alert.textContent(), /Whether it decided is not known/)
  })

  t.same(faults, [])
})

async function ask(
  page: Page,
  verb: string,
  { reason }: { readonly reason?: string } = {},
): Promise<void> {
  await page.getByRole('button', { name: verb, exact: true }).click()
  if (reason !== undefined) await page.getByRole('dialog').getByLabel('Reason').fill(reason)
  await submit(page, verb)
  await page.getByRole('dialog').waitFor({ state: 'detached' })
}

function submit(page: Page, verb: string): Promise<void> {
  return page.getByRole('dialog').getByRole('button', { name: verb, exact: true }).click()
}

function untilPhase(page: Page, phase: string): Promise<void> {
  return page.locator('.page-head .badge', { hasText: phase }).waitFor()
}
