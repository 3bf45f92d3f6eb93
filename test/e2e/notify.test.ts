import t from 'tap'
import type { DecisionJson } from '../../src/admin/present.ts'
import { sign } from '../../src/notify/sign.ts'
import { startReceiver, type ReceivedPost } from '../support/fake-receiver.ts'
import { askAdmin, command, readDecisions, readSample, untilService } from './support/admin-api.ts'
import { buildConfig, buildRolloutService } from './support/config.ts'
import { startModel } from './support/model-server.ts'
import { seeded } from './support/seeded.ts'
import { startSerin, writeConfig } from './support/serin-process.ts'
import { until } from './support/until.ts'

const SECRET = 'whsec_0123456789abcdef'

/** The body of a post that is signed as it says. */
function readSigned({ body, headers }: ReceivedPost): Omit<DecisionJson, 'id'> & { id: unknown } {
  const signature = String(headers['x-serin-signature'])
  const seconds = Number(/^t=(\d+),/.exec(signature)?.[1])
  if (sign(SECRET, seconds, body) !== signature) throw new Error(`signed ${signature}: ${body}`)
  return JSON.parse(body) as DecisionJson
}

t.test('A killed gateway delivers what it owed, and a promotion waits for its yes.', async (t) => {
  const draw = seeded(5)
  const behaviour = { error: 4, failures: 0 }
  const model = await startModel(t, draw, behaviour)
  const [news, gate] = [await startReceiver(t), await startReceiver(t)]
  // Refuses for as long as the first process lives.
  news.otherwise = 500
  const origins = { baseline: model.origin, canary: model.origin }
  const service = {
    ...buildRolloutService(origins, {
      rollout: {
        start: 'manual',
        steps: [{ weight: '50%' }, { weight: '100%' }],
        maxDuration: '1s',
        onInconclusive: 'promote',
        watch: '1h',
      },
    }),
    notify: [
      { url: `${news.url}/s3cret`, on: ['started', 'watching'], secret: SECRET },
      { url: `${gate.url}/s3cret`, on: ['confirm-promotion'], secret: SECRET },
    ],
  }
  const folder = t.testdir({})
  const file = writeConfig(folder, buildConfig(folder, { m: service }))
  const first = await startSerin(t, file)
  gate.otherwise = 'silence'
  await command(first.admin, 'm', 'promote')
  await until('the first attempt', () => news.posts.length > 0 || null)
  await until('the first question', () => gate.posts.length > 0)
  const { missing } = await untilService(first.admin, 'm', 'waits for the answer', (m) =>
    m.missing.some((line) => line.startsWith('a confirmation: ')),
  )
  t.equal(missing.length, 1)
  t.equal((await askAdmin(first.admin, '/api/v1/config')).text.includes('s3cret'), false)
  first.kill('SIGKILL')
  await first.ended
  for (const receiver of [news, gate]) await until('its last words are read', receiver.isAlone)

  news.otherwise = 200
  gate.otherwise = 200
  const [early, asked] = [news.posts.length, gate.posts.length]
  const second = await startSerin(t, file)
  await untilService(second.admin, 'm', 'is watched', ({ phase }) => phase === 'watching')
  await until('both are delivered', () => news.posts.length >= early + 2 || null)
  const log = await readDecisions(second.admin, 'm')
  const delivered = news.posts.slice(early)
  t.same(
    delivered.map((post) => [post.headers['x-serin-event'], readSigned(post)]),
    ['start', 'promote'].map((action) => [
      action === 'start' ? 'started' : 'watching',
      log.find((decision) => decision.action === action),
    ]),
  )
  t.same(
    delivered.map(({ headers }) => Number(headers['x-serin-decision'])),
    delivered.map((post) => readSigned(post).id),
  )
  const candidate = readSigned(gate.posts[asked]!)
  t.match(candidate, { id: null, service: 'm', action: 'promote', to: { phase: 'watching' } })
  t.equal(gate.posts[asked]!.headers['x-serin-event'], 'confirm-promotion')
  const counted = () => readSample(second.admin, 'serin_notifications_total', 'result="delivered"')
  await until('both are counted', async () => (await counted()) >= 2)
  t.equal(await counted(), 2)
  t.equal(await readSample(second.admin, 'serin_confirmations_total', 'result="given"'), 1)
  const { stdout } = await second.stop()
  t.equal((await first.ended).stdout.concat(stdout).includes('s3cret'), false, 'no log tells it')
})
