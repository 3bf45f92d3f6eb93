import t from 'tap'
import type { Page } from 'playwright-core'
import { skipWithout } from '../e2e/support/programs.ts'
import { until } from '../e2e/support/until.ts'
import { findFaults } from './support/axe.ts'
import { launchBrowser, openOn } from './support/browser.ts'
import { experimented, ruled, shadowed } from './support/fixed-services.ts'
import { ROLLED_BACK, UNDER_WAY, WAITS } from './support/scripts.ts'
import { CURTAIN, openStage } from './support/stage.ts'

const VIEWS = [
  '#/',
  '#/services/credit-risk',
  '#/services/fraud-score',
  '#/services/translator',
  '#/services/checkout-offer',
  '#/services/pricing',
]

void t.test('for those who do not see it, or not well', skipWithout('chromium'), async (t) => {
  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  const stage = await openStage({
    scripts: [UNDER_WAY, ROLLED_BACK, WAITS],
    others: () => [shadowed(CURTAIN), experimented(), ruled()],
  })
  t.teardown(stage.close)
  const open = openOn(t, browser, stage)

  for (const view of VIEWS) {
    await t.test(`${view} has no serious fault, in light and in dark`, async (t) => {
      const { page } = await open(t, view)
      await page.locator('.link-live').waitFor()
      await page.locator('h1').waitFor()
      t.same(await findFaults(page), [], 'light')
      await page.emulateMedia({ colorScheme: 'dark' })
      t.same(await findFaults(page), [], 'dark')
    })

    await t.test(`${view} fits the narrowest and the widest window`, async (t) => {
      const { page } = await open(t, view, { width: 360 })
      await page.locator('h1').waitFor()
      for (const width of [360, 768, 1600]) {
        await page.setViewportSize({ width, height: 800 })
        const [wide, seen] = await page.evaluate<[number, number]>(
          '[document.documentElement.scrollWidth, document.documentElement.clientWidth]',
        )
        t.equal(wide, seen, `nothing is cut off at ${width}`)
      }
      if (view === VIEWS[1]) {
        await page.setViewportSize({ width: 360, height: 800 })
        t.same(await findFaults(page), [], 'narrow')
      }
    })
  }

  await t.test('on a phone the numbers of a comparison are in sight', async (t) => {
    const { page } = await open(t, `#/services/${experimented().service.name}`, { width: 360 })
    const cells = page.locator('.stacked td.number')
    await cells.first().waitFor()
    t.ok((await cells.count()) > 0)
    for (const cell of await cells.all()) {
      const box = await cell.boundingBox()
      if (box !== null) t.ok(box.x >= 0 && box.x + box.width <= 360, await cell.innerText())
    }
    t.same(await findFaults(page), [], 'narrow')
  })

  await t.test('a dialog has no serious fault either', async (t) => {
    const { page } = await open(t, '#/services/churn')
    await page.getByRole('button', { name: 'Set weight' }).click()
    t.same(await findFaults(page), [], 'light')
    await page.emulateMedia({ colorScheme: 'dark' })
    t.same(await findFaults(page), [], 'dark')
  })

  await t.test('everything can be reached and used by keyboard', async (t) => {
    const { page } = await open(t, '#/')
    await page.getByRole('link', { name: 'churn' }).waitFor()
    await page.keyboard.press('Tab')
    t.equal(await focused(page), 'Skip to the content')
    await page.keyboard.press('Enter')
    await until('the content has the focus', () => hasFocus(page, 'main'))
    for (let i = 0; i < 20 && (await focused(page)) !== 'churn'; i++) {
      await page.keyboard.press('Tab')
    }
    t.equal(await focused(page), 'churn')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Approve' }).waitFor()
    await until('reading begins anew', () => hasFocus(page, 'main'))
    await page.keyboard.press('Tab')
    t.equal(await focused(page), 'Approve')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'Approve: churn' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    t.equal(await focused(page), 'Approve', 'the focus goes back')
  })

  await t.test('a decision is said aloud, once, without moving the focus', async (t) => {
    const { page } = await open(t, '#/services/credit-risk')
    await page.getByRole('button', { name: 'Abort' }).focus()
    await stage.advance(60_000)
    const said = page.locator('[role=status]', { hasText: 'Promoted from 50 % to 100 %' })
    await said.waitFor({ state: 'attached' })
    t.equal(await said.count(), 1)
  })
})

function hasFocus(page: Page, id: string): Promise<boolean> {
  return page.evaluate<boolean>(`document.activeElement.id === '${id}'`)
}

function focused(page: Page): Promise<string> {
  return page.evaluate<string>('document.activeElement.textContent')
}
