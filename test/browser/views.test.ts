import t from 'tap'
import { nameProcess } from '../../src/domain/process-name.ts'
import { fakeState, fakeStatus } from '../admin/fake-deps.ts'
import { fakeExperimentLog } from '../admin/fake-experiments.ts'
import { skipWithout } from '../e2e/support/programs.ts'
import { until } from '../e2e/support/until.ts'
import { launchBrowser, openOn } from './support/browser.ts'
import { experimented, ruled, shadowed } from './support/fixed-services.ts'
import { IDLE, ROLLED_BACK, UNDER_WAY, WAITS } from './support/scripts.ts'
import { CURTAIN, openStage } from './support/stage.ts'

/** Another gateway on the store decides. */
const ELSEWHERE = {
  lead: 'elsewhere',
  differs: false,
  holder: nameProcess({ host: 'gw-2', pid: 7, id: 'ab', admin: { host: '0.0.0.0', port: 9090 } }),
} as const

void t.test('the views of the dashboard', skipWithout('chromium'), async (t) => {
  const browser = await launchBrowser()
  t.teardown(() => browser.close())
  const stage = await openStage({
    scripts: [UNDER_WAY, ROLLED_BACK, WAITS, IDLE],
    others: () => [shadowed(CURTAIN), experimented(), { ...ruled(), deciding: ELSEWHERE }],
    logs: { 'checkout-offer': fakeExperimentLog('checkout-offer', CURTAIN) },
  })
  t.teardown(stage.close)
  const open = openOn(t, browser, stage)

  await t.test('a file that was not taken is told, until it is mended', async (t) => {
    const { page, faults } = await open(t, '#/')
    await page.locator('table.overview tbody tr').first().waitFor()
    const told = page.locator('.refused-reload')
    t.equal(await told.count(), 0)
    stage.refuseReload(['serin.yaml:3:1: stoer: unknown key "stoer"', 'another'])
    await told.waitFor()
    t.equal(
      await told.locator('p').textContent(),
      'The file read at 04/05/2027, 09:30:00 was refused, and the configuration of 04/05/2027, 08:30:00 stays in force:',
    )
    const mistakes = told.locator('li')
    t.same(await mistakes.allTextContents(), [
      'serin.yaml:3:1: stoer: unknown key "stoer"',
      'another',
    ])
    stage.refuseReload(Array.from({ length: 13 }, (_, i) => `mistake ${i + 1}`))
    await told.getByText('and 3 more: serin check').waitFor()
    t.equal(await mistakes.count(), 11)
    t.equal(await mistakes.nth(9).textContent(), 'mistake 10')
    stage.refuseReload(null)
    await told.waitFor({ state: 'detached' })
    t.same(faults, [])
  })

  await t.test('those that want somebody to look come first, and can be searched', async (t) => {
    const { page, faults } = await open(t, '#/')
    const names = page.locator('table.overview tbody th a')
    await names.first().waitFor()
    t.same(await names.allTextContents(), [
      'churn',
      'fraud-score',
      'search-rank',
      'credit-risk',
      'checkout-offer',
      'pricing',
      'translator',
    ])
    await page.getByRole('searchbox').fill('risk 2.0')
    t.same(await names.allTextContents(), ['credit-risk'])
    await page.getByRole('searchbox').fill('nothing like it')
    await page.getByText('No service is like that.').waitFor()
    await page.getByRole('searchbox').fill('')
    await page.getByRole('button', { name: /^to look at/ }).click()
    t.same(await names.allTextContents(), ['churn', 'fraud-score', 'search-rank'])
    t.same(faults, [])
  })

  await t.test('no cell of the list runs into the next one, however wide the window', async (t) => {
    for (const width of [1024, 1180, 1280, 1440]) {
      const { page } = await open(t, '#/', { width })
      await page.locator('tr', { hasText: 'credit-risk' }).waitFor()
      const beyond = await page
        .locator('table.overview td')
        .evaluateAll((cells) =>
          cells
            .filter((cell) => cell.scrollWidth > cell.clientWidth)
            .map((cell) => cell.textContent),
        )
      t.same(beyond, [], `${width} px`)
    }
  })

  await t.test(
    'a service shows why it waits: what is missing, and the evidence so far',
    async (t) => {
      const { page, faults } = await open(t, '#/services/credit-risk')
      await page.getByText('rmse: a rise above 5 % is not excluded yet').waitFor()
      t.match(await page.locator('.step.is-current').textContent(), '50 %')
      const rmse = page.getByRole('article', { name: 'rmse', exact: true })
      t.match(await rmse.textContent(), /No worse than by 5 %\?.*of 3/)
      await rmse.getByText('Numbers of Evidence').click()
      const rows = rmse.locator('.numbers tbody tr')
      // What was before is read after what is now.
      await until('the same as a table', async () => (await rows.count()) > 10)
      t.equal(await rmse.locator('canvas').count(), 2)
      t.equal(
        await page.locator('canvas').count(),
        11,
        'where no ratio can be given yet there is none',
      )
      const latency = page.getByRole('article', { name: 'latency', exact: true })
      t.match(await latency.textContent(), /slow or failed \(compared\)[\d.]+ % against [\d.]+ %/)
      t.match(await latency.textContent(), /Baseline and canary.*latency: [\d.]+ ms on the canary/)
      await page.getByText(/^Next step in about \d/).waitFor()
      t.match(await rmse.textContent(), /rmse: evidence that it is worse is .*, decided at 4\.38/)
      t.same(faults, [])
    },
  )

  await t.test('a decision is told with its evidence', async (t) => {
    const { page, faults } = await open(t, '#/services/fraud-score')
    await page.getByText('Rolled back because of rmse. The baseline serves everything.').waitFor()
    const log = page.getByRole('region', { name: 'Decisions' })
    t.match(
      await log.locator('li').first().textContent(),
      /rollback.*by rmse: 3\.\d+ on the canary/,
    )
    await log.getByText('Evidence of decision').first().click()
    await log.getByRole('row', { name: /^rmse worse/ }).waitFor()
    // The chart ends at what the bar says.
    const rmse = page.getByRole('article', { name: 'rmse', exact: true })
    // Labels went on to come: the figures of then are those of the decision's sentence.
    const [, canary] = /by rmse: (.+?) against/.exec(
      (await log.locator('li').first().textContent())!,
    )!
    await rmse.getByText(`When it was decided: ${canary}`).waitFor()
    t.equal(await page.getByText('When it was decided').count(), 1, 'on that card alone')
    const [said] = /[\d.]+(?= of 4\.38 · shown)/.exec((await rmse.textContent())!) ?? []
    await rmse.getByText('Numbers of Evidence').click()
    await rmse.locator('.numbers tbody tr').nth(1).waitFor()
    t.equal(
      await rmse.locator('.numbers tbody tr').first().locator('td').first().textContent(),
      said,
    )
    t.same(faults, [])
  })

  await t.test(
    'a store that is away is said, and nothing that it would have to give',
    async (t) => {
      stage.takeStoreAway('away since 2027-05-04T09:29:00.000Z: the last weights are served')
      t.teardown(() => stage.takeStoreAway(null))
      const { page, faults } = await open(t, '#/services/credit-risk')
      const banner = page.getByRole('alert')
      await banner.getByText('The store is away since 2027-05-04T09:29:00.000Z').waitFor()
      t.equal(await page.locator('.link-sign').textContent(), 'no store')
      const log = page.getByRole('region', { name: 'Decisions' })
      await log.getByText('The decisions cannot be read now (no connection to Redis').waitFor()
      t.notMatch(await log.textContent(), 'Nothing was decided yet')
      const standing = page.getByRole('region', { name: 'Where it stands' })
      t.match(await standing.textContent(), /Nothing moves without the store/)
      t.notMatch(await standing.textContent(), 'Next step')
      const overview = await open(t, '#/')
      await overview.page.getByText('The store is away since').waitFor()
      stage.takeStoreAway(null)
      await page.locator('.link-live').waitFor()
      t.equal(await banner.count(), 0)
      await log.locator('li').first().waitFor()
      t.notMatch(await log.textContent(), 'cannot be read')
      await standing.getByText('Next step').waitFor()
      t.same([...faults, ...overview.faults], [])
    },
  )

  await t.test('the answers of a shadow stand beside the live ones', async (t) => {
    const { page } = await open(t, '#/services/translator')
    const pairs = page.getByRole('region', { name: 'Last pairs of canary that disagreed' })
    t.match(await pairs.locator('tbody tr').first().textContent(), /9f2c-4884.*0\.13.*0\.31\+0\.18/)
  })

  await t.test('challengers are compared one by one', async (t) => {
    const { page } = await open(t, '#/services/checkout-offer')
    const panel = page.getByRole('region', { name: 'b against the baseline', exact: true })
    t.match(await panel.textContent(), /better.*10,911 of 32,781.*errors/)
    t.equal(await page.locator('.page-head .badge').textContent(), '·experiment')
    await page.getByRole('button', { name: 'Promote c' }).click()
    const dialog = page.getByRole('dialog')
    t.match(
      await dialog.textContent(),
      /Not known yet whether c is no worse than the baseline: err/,
    )
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('region', { name: 'c against the baseline', exact: true }).waitFor()
    await page
      .getByText('requests of 2 of 3 processes; another configuration runs on process 7 on w')
      .waitFor()
    const past = page.getByRole('region', { name: 'Past experiments' })
    const newest = past.getByRole('article', { name: '3.1 vs 3.2-small vs 3.2-large#2' })
    t.match(
      await newest.textContent(),
      /25\/04\/2027, 09:30:00 to 03\/05\/2027.*b \(3\.2-small\) gets all.*#4, by ana.*half of the cost/,
    )
    const said = newest.locator('summary')
    t.match(await said.allTextContents(), [/^b .*better$/, /^c .*not known yet$/])
    await said.first().click()
    await newest.getByRole('row', { name: /^rmse better.*0\.974 \(0\.921 to 1\.061\)/ }).waitFor()
    await past.getByText('has ended: b worse, c not known yet').waitFor()
  })

  await t.test('rules say what they match, whom they name, and who answered how', async (t) => {
    const { page, faults } = await open(t, '#/services/pricing')
    const rows = page.getByRole('region', { name: 'Rules', exact: true }).locator('tbody tr')
    await rows.first().waitFor()
    t.same(
      (await rows.allTextContents()).map((row) => row.replaceAll(/\s+/g, ' ')),
      [
        'body:/tier = platinumbaseline baseline4,1203 (0.0728 %)12 ms41 ms66 ms4.02 n 900',
        'body:/tier = goldcanaryno request yet',
        'header:x-country = NZbaseline 75 %, canary 25 % baseline3003 (1 %)12 ms41 ms66 ms–',
        ' canary1003 (3 %)12 ms41 ms66 ms3.5 n 900',
        'no ruledrawn baseline21,0003 (0.0143 %)12 ms41 ms66 ms3.9 n 900',
      ],
    )
    const note = page.locator('.page-head + .notice')
    t.match(await note.textContent(), /process 7 on gw-2 decides on this store.* Its dashboard$/)
    const command = 'serin status pricing --admin http://gw-2:9090'
    t.equal(await note.locator('code').first().textContent(), command)
    const link = note.getByRole('link', { name: 'Its dashboard' })
    t.equal(await link.getAttribute('href'), 'http://gw-2:9090/#/services/pricing')
    t.same(faults, [])
  })

  await t.test('what happens is shown as it happens', async (t) => {
    const { page, faults } = await open(t, '#/services/credit-risk')
    await page.locator('.step.is-current').waitFor()
    const before = await page.locator('.log > li').count()
    await stage.advance(60_000)
    await page.locator('.page-head .badge', { hasText: 'watching' }).waitFor()
    await page.locator('.log > li', { hasText: 'Promoted from 50 % to 100 %' }).waitFor()
    t.ok((await page.locator('.log > li').count()) > before)
    await page.getByRole('link', { name: 'serin' }).click()
    await page.locator('tr', { hasText: /credit-risk.*watching.*canary 100 %/ }).waitFor()
    t.same(faults, [])
  })

  await t.test('a service that is not configured says so, and leads back', async () => {
    const { page } = await open(t, '#/services/no-such')
    await page.getByText('This service is not in the configuration.').waitFor()
    await page.getByRole('link', { name: 'All services' }).click()
    await page.getByRole('heading', { name: 'Services' }).waitFor()
  })

  await t.test('two hundred services stay live', async (t) => {
    let round = 0
    const stage = await openStage({
      scripts: [],
      others: () =>
        Array.from({ length: 200 }, (_, i) => {
          const state = fakeState({ weightBp: 500 + 100 * round, revision: 5 + round })
          return fakeStatus(state, `model-${String(i).padStart(3, '0')}`)
        }),
    })
    t.teardown(stage.close)
    const { page, faults } = await openOn(t, browser, stage)(t, '#/')
    const last = page.locator('tr', { hasText: 'model-199' })
    for (round = 0; round < 4; round++) {
      await last.getByText(`canary ${5 + round} %`).waitFor()
    }
    t.equal(await page.locator('table.overview tbody tr').count(), 200)
    await page.getByRole('searchbox').fill('model-19')
    t.equal(await page.locator('table.overview tbody tr').count(), 10)
    t.same(faults, [])
  })
})
