import type { Test } from 'tap'
import { readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parse, parseDocument, stringify } from 'yaml'
import { skipWithout } from '../../e2e/support/programs.ts'
import { startSerin } from '../../e2e/support/serin-process.ts'
import { startUpstream } from '../../support/fake-upstream.ts'
import { freePort } from '../../support/free-port.ts'
import type { Take } from './blocks.ts'
import { layStage } from './stage.ts'
import { DEMO_CONFIG, yamlOf } from './world.ts'

/** Runs the blocks that ask no gateway but one that they start themselves. */
export function runOnFiles(t: Test, take: Take): void {
  t.test('docs/cli.md: each shell takes its completion.', async (t) => {
    const block = take('docs/cli.md', 'serin completion')
    const { folder, run } = layStage(t)
    const ways = { bash: '', zsh: 'autoload -Uz compinit && compinit -u -D;', fish: '' } as const
    for (const [shell, first] of Object.entries(ways)) {
      await t.test(shell, skipWithout(shell), async (t) => {
        const line = block.text.split('\n').find((text) => text.includes(`completion ${shell}`))!
        writeFileSync(join(folder, shell), `${first} ${line}\n`)
        const quiet = await run(t, {
          ...block,
          commands: [{ script: `${shell} ./${shell}`, output: null }],
        })
        t.equal(quiet, '')
      })
    }
  })

  t.test('Plans and made-up traffic need no gateway.', async (t) => {
    const { run, folder } = layStage(t, { files: { 'serin.yaml': DEMO_CONFIG } })
    symlinkSync(resolve('config'), join(folder, 'config'))
    const fewer = [['--rps 20', '--rps 20 --runs 5']] as const
    await run(t, take('docs/choosing.md', 'serin backtest'), { replace: fewer })
    await run(t, take('docs/backtest.md', '--rps 200'), { isExact: true })
  })

  t.test(
    'docs/abuse.md: one case of the fuzzer again, and the long suite for a moment.',
    async (t) => {
      const block = take('docs/abuse.md', 'SERIN_FUZZ_CASE')
      const { folder, run } = layStage(t, { standIns: ['npm'], env: { SERIN_FUZZ_COUNT: '5' } })
      for (const name of ['build', 'package.json', 'node_modules']) {
        symlinkSync(resolve(name), join(folder, name))
      }
      await run(t, block, { replace: [['SECONDS=600', 'SECONDS=0.1']] })
    },
  )

  t.test('Commands of npm, docker and kubectl name what is there (stand-ins).', async (t) => {
    const { folder, sh, run } = layStage(t, {
      standIns: ['npm', 'docker', 'kubectl'],
      files: { 'serin.yaml': '' },
    })
    for (const name of readdirSync('.')) symlinkSync(resolve(name), join(folder, name))
    for (const [page, some] of [
      ['README.md', 'npm ci'],
      ['docs/operations.md', 'docker run'],
      ['docs/deployment.md', 'kubectl apply'],
      ['docs/deployment.md', 'docker compose'],
    ] as const) {
      const said = await run(t, take(page, some, 'by stand-ins'))
      t.match(said, /^(?:stand-in for .+\n)+$/)
      t.comment(said)
    }
    for (const wrong of [
      'npm run dmeo',
      'docker run -p 8080:8088 serin',
      'docker run -v ./sirin.yaml:/etc/serin/serin.yaml:ro serin',
      'docker build -t serin config',
      'cd config/deploy/compose; SERIN_OPERATOR_TOKEN=… docker compose up',
      'kubectl apply -f config/deploy/systemd/',
    ]) {
      t.match(await sh(t, wrong), { code: 1, stderr: /^stand-in for / }, wrong)
    }
  })

  t.test('A file is checked, planned and served, until SIGTERM.', async (t) => {
    const upstream = await startUpstream((_req, res) => res.end('{}'))
    t.teardown(upstream.close)
    const triton = readFileSync('config/examples/quick-start-triton.yaml', 'utf8')
    for (const [page, text] of [
      ['README.md', yamlOf('README.md')],
      ['docs/quick-starts/README.md', triton],
    ] as const) {
      const { gateway, ...config } = parse(
        text.replaceAll(/http:\/\/(?:10\.0\.0\.\d|127\.0\.0\.1):80\d\d/g, upstream.origin),
      ) as { readonly gateway: object }
      const file = {
        ...config,
        // No load balancer has to look elsewhere before it ends.
        gateway: { ...gateway, drain: { wait: 0 } },
        admin: { listen: '127.0.0.1:9090' },
      }
      const { run } = layStage(t, {
        ports: { 8080: await freePort(), 9090: await freePort() },
        files: { 'serin.yaml': stringify(file) },
      })
      await run(t, take(page, 'serin serve'))
    }
  })

  t.test('docs/own-servers.md: from `serin init` to a promoted canary.', async (t) => {
    const page = 'docs/own-servers.md'
    const start = async () => {
      const upstream = await startUpstream((_req, res) => res.end('{"prediction":31}'))
      t.teardown(upstream.close)
      return upstream.port
    }
    const ports = {
      ...{ 8001: await start(), 8002: await start() },
      ...{ 8080: await freePort(), 9090: await freePort() },
    }
    const { folder, run } = layStage(t, { ports })
    const file = join(folder, 'serin.yaml')
    await run(t, take(page, '$ serin init'))
    // What `init` writes names the usual ports, and its proof takes minutes: here a canary that answers is enough.
    const config = parseDocument(readFileSync(file, 'utf8'))
    config.setIn(['gateway'], { listen: `127.0.0.1:${ports[8080]}`, drain: { wait: 0 } })
    config.setIn(['admin', 'listen'], `127.0.0.1:${ports[9090]}`)
    const house = ['services', 'house']
    const first = { weight: '50%', minDuration: '5s', minRequests: 0 }
    config.setIn([...house, 'rollout', 'steps'], [first, { weight: '100%' }])
    config.setIn([...house, 'rollout', 'watch'], '1s')
    for (const name of ['errors', 'latency', 'rmse']) {
      config.setIn([...house, 'analysis', 'metrics', name, 'mode'], 'report')
    }
    writeFileSync(file, String(config))
    await run(t, take(page, 'serin check'))
    await run(t, take(page, 'serin serve'))
    await startSerin(t, file)
    const id = /x-request-id: (\S+)/.exec(await run(t, take(page, 'curl')))![1]!
    const told = await run(t, take(page, 'serin feedback'), { replace: [['"…"', `"${id}"`]] })
    t.match(told, 'joined 1')
    // What has had no request for a minute has no traffic to reckon with.
    const request = () => fetch(`http://127.0.0.1:${ports[8080]}/predict`, { method: 'POST' })
    const before = async () => t.equal((await request()).status, 200)
    await run(t, take(page, 'serin plan'), { before })
    t.match(await run(t, take(page, 'serin wait')), 'house: promoted')
  })
}
