import type { Test } from 'tap'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ServiceJson } from '../../../src/admin/present.ts'
import { EXAMPLE_ENV } from '../../config/example-env.ts'
import { readService, untilService } from '../../e2e/support/admin-api.ts'
import { buildConfig } from '../../e2e/support/config.ts'
import { skipWithout } from '../../e2e/support/programs.ts'
import { startSerin, writeConfig } from '../../e2e/support/serin-process.ts'
import { until } from '../../e2e/support/until.ts'
import { freePort } from '../../support/free-port.ts'
import { fencedBlocks } from '../markdown-pages.ts'
import type { Take } from './blocks.ts'
import { layStage } from './stage.ts'
import { askOnce, changedFile, yamlOf, type World } from './world.ts'

/** Runs the blocks that ask a gateway: that of the world, or one that is fit for the page. */
export function runOnGateways(t: Test, take: Take, world: World): void {
  const { gateway, settled, services } = world
  const portOf = (origin: string) => Number(new URL(origin).port)
  const ports = { 8080: portOf(gateway.data), 9090: portOf(gateway.admin) }

  t.test('docs/api.md: with a token, and with the revision that was read.', async (t) => {
    // The stage empties the folder of the test, and a store must stay where it is.
    const folder = mkdtempSync(join(tmpdir(), 'serin-api-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const token = EXAMPLE_ENV.SERIN_OPERATOR_TOKEN
    const admin = { tokens: [{ name: 'ci', token, scopes: ['read', 'operate'] }] }
    const config = buildConfig(folder, { 'credit-risk': services['credit-risk']! }, { admin })
    const { admin: origin } = await startSerin(t, writeConfig(folder, config))
    const block = take('docs/api.md', 'if-match')
    const { run } = layStage(t, { ports: { 9090: portOf(origin) }, env: { SERIN_TOKEN: token } })
    const headers = { authorization: `Bearer ${token}` }
    const tag = await until('the rollout has begun', async () => {
      const asked = await fetch(`${origin}/api/v1/services/credit-risk`, { headers })
      const { phase } = (await asked.json()) as ServiceJson
      return phase === 'progressing' && asked.headers.get('etag')
    })
    const said = await run(t, block, { replace: [['"5"', tag]] })
    t.match(said, /"services":/)
    t.match(said, /"phase":"rolled-back"/)
  })

  t.test('Of a running gateway: forecast, labels, events.', async (t) => {
    const { run } = layStage(t, { ports, files: { 'serin.yaml': yamlOf('README.md') } })
    for (const [page, path] of [
      ['docs/rollouts.md', '/v2/models/credit-risk/infer'],
      ['docs/quick-starts/torchserve.md', '/predictions/resnet-18'],
    ] as const) {
      const id = await askOnce(gateway.data, path, 'one')
      t.match(
        await run(t, take(page, 'curl'), { replace: [['"…"', `"${id}"`]] }),
        '"joined":1',
        page,
      )
    }
    // Traffic is what was judged of it: nothing before the end of the warm-up.
    await until('credit-risk: a key is judged', async () => {
      await askOnce(gateway.data, '/v2/models/credit-risk/infer', 'another')
      const { metrics } = await readService(gateway.admin, 'credit-risk')
      const { baseline, canary } = metrics.find(({ name }) => name === 'errors')!
      return baseline.n + canary.n > 0
    })
    await run(t, take('docs/planning.md', 'serin plan credit-risk'))
  })

  t.test('README.md: a canary that predicts nonsense is rolled back, and explained.', async (t) => {
    const { run } = layStage(t, { ports })
    await run(t, take('README.md', 'serin explain price'))
    await settled.price
  })

  t.test(
    'docs/backtest.md: the record is judged again, by the same rules and by wider ones.',
    async (t) => {
      const wider = changedFile(world, 'mpg-skewed', 'maxIncrease: 5%', 'maxIncrease: 200%')
      const { run } = layStage(t, { ports, files: { 'wider.yaml': wider } })
      await settled['mpg-skewed']
      // Up to chance are the steps before the end, and whether any bins were wide enough to matter.
      const varies = [/  (?:advance|hold) /, /its odds are at most/]
      await run(t, take('docs/backtest.md', '$ serin backtest mpg-skewed\n'), { varies })
      await run(t, take('docs/backtest.md', 'mpg-skewed -c wider.yaml'), { varies })
    },
  )

  t.test('docs/ab-testing.md: a challenger is judged again; a winner is promoted.', async (t) => {
    const wider = changedFile(world, 'ranking', 'maxDecrease: 10%', 'maxDecrease: 40%')
    const { run } = layStage(t, { ports, files: { 'wider.yaml': wider } })
    await settled.ranking
    // What the wider margin makes of it depends on how long it took.
    const judged = [/^ +(?:conversion|in all) /]
    const said = await run(t, take('docs/ab-testing.md', 'serin backtest ranking'), {
      varies: judged,
    })
    t.match(said, /conversion +worse since/)
    await run(t, take('docs/ab-testing.md', 'serin promote m large'))
    // What it had come to by then is not that of the page.
    const varies = [/^ +(?:small|large) /, /^ +(?:metric|errors|rmse|no-answer|client-error)/]
    await run(t, take('docs/ab-testing.md', 'serin experiments m'), { varies })
  })

  t.test(
    'docs/blue-green.md: promoted, undone, tried again, and rolled back by itself.',
    async (t) => {
      const { run } = layStage(t, { ports })
      const is = (phase: string) =>
        untilService(gateway.admin, 'house-prices', phase, (s) => s.phase === phase)
      await is('paused')
      const load = world.askForHousePrices()
      await run(t, take('docs/blue-green.md', 'serin undo'), {
        before: async (script) => {
          if (!script.startsWith('serin decisions')) return
          world.failHousePrices()
          await is('rolled-back')
        },
      })
      await load.stop()
    },
  )

  const picture = take('docs/dashboard.md', 'chromium')
  t.test('docs/dashboard.md: a picture of the page.', skipWithout('chromium'), async (t) => {
    // In a container there is no sandbox to be had.
    const chromium = 'exec /usr/bin/chromium --no-sandbox --disable-dev-shm-usage "$@"'
    const { folder, run } = layStage(t, { ports, programs: { chromium } })
    await run(t, picture)
    t.match(readFileSync(join(folder, 'serin.png')).subarray(1, 4).toString(), 'PNG')
  })

  t.test(
    'docs/mirrors.md: what differs is counted, and a mirror that dies harms nobody.',
    async (t) => {
      const page = 'docs/mirrors.md'
      const own = {
        ...{ 8001: await freePort(), 8002: await freePort() },
        ...{ 8080: await freePort(), 9090: await freePort() },
      }
      const model = fencedBlocks().find((block) => block.page === page && block.language === 'js')!
      const example = readFileSync('config/examples/shadow.yaml', 'utf8')
      const { folder, run } = layStage(t, {
        ports: own,
        files: {
          'model.mjs': model.text,
          'config/examples/shadow.yaml': `admin: { listen: 127.0.0.1:9090 }\n${example}`,
        },
      })
      const origin = `http://127.0.0.1:${own[9090]}`
      const untilMirror = (
        what: string,
        isSo: (mirror: ServiceJson['mirrors'][string], healthy: number) => boolean,
      ) =>
        untilService(origin, 'churn', what, ({ mirrors, variants }) =>
          isSo(mirrors['shadow']!, variants['shadow']!.healthy),
        )
      const statuses = () => readFileSync(join(folder, 'answers.txt'), 'utf8').match(/^\d+/gm)

      // One in twenty of the requests, of which a tenth differs as well; and the model can be found again.
      const asked = take(page, 'node model.mjs')
      await run(t, asked, {
        replace: [
          ['seq 1 1000', 'seq 1 20 1000'],
          ['1.1 &', '1.1 & echo $! > second.pid'],
        ],
      })
      t.same(statuses(), Array(50).fill('200'))
      await untilMirror('all are compared', ({ pairs }) => pairs === 50)
      await run(t, take(page, '$ serin status'))
      process.kill(Number(readFileSync(join(folder, 'second.pid'), 'utf8')), 'SIGKILL')
      const again = asked.text.slice(asked.text.indexOf('for x'))
      await run(
        t,
        { ...asked, commands: [{ script: again, output: null }] },
        {
          replace: [['seq 1 1000', 'seq 1 20 1000']],
        },
      )
      t.same(statuses(), Array(50).fill('200'))
      await untilMirror('its end is seen', (_, healthy) => healthy === 0)
      await run(t, take(page, '$ serin status'))
    },
  )
}
