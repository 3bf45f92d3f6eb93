import t from 'tap'
import { describeChanges } from '../../src/config/describe-changes.ts'
import { hookName } from '../../src/config/hook-name.ts'
import { redactConfig } from '../../src/config/redact.ts'
import { checkCases, configOf, file, problemsOf, warningsOf } from './problems-of.ts'

const METRICS = `{ errors: { kind: error-rate, maxIncrease: 0%, max: 5% },
        latency: { kind: latency, quantile: 0.95, max: 1s },
        rmse: { kind: rmse, maxIncrease: 5%, labelWindow: 10m } }`
const withHooks = (hooks: string) =>
  file({
    service: `    observe: { prediction: body:/p }
    rollout: { steps: [ { weight: 5% }, { weight: 100% } ] }
    analysis: { metrics: ${METRICS} }
    notify: [ ${hooks} ]`,
  })
const SLACK = 'https://hooks.slack.com/services/T0/B0/s3cret'

t.test('a webhook is what the file says, with its defaults', (t) => {
  const config = configOf(
    withHooks(
      `{ url: "http://h/x", on: [promoted, confirm-promotion, paused] }, { url: "${SLACK}", on: [held], secret: 0123456789abcdef, template: slack }`,
    ),
  )
  t.same(config.services[0]!.notify, [
    {
      url: 'http://h/x',
      on: ['paused', 'promoted'],
      confirmsPromotion: true,
      secret: null,
      template: 'json',
    },
    {
      url: SLACK,
      on: ['held'],
      confirmsPromotion: false,
      secret: '0123456789abcdef',
      template: 'slack',
    },
  ])
  t.end()
})

t.test('what is wrong with a webhook is said without what is secret in its address', (t) => {
  const url = 'notify[0].url: found'
  const address = 'allowed is an address such as http://prometheus:9090'
  checkCases(
    t,
    [
      ['{ url: "http://u:p@h/?t=s3cret", on: [confirm-promotion, started] }'],
      ['{ url: "ftp://h/s3cret", on: [held] }', `${url} ftp://h/(hidden), ${address}`],
      ['{ url: "h/s3cret", on: [held] }', `${url} (hidden), ${address}`],
      [
        '{ url: "http://h:99999/s3cret", on: [held] }',
        `${url} (hidden), which is no address that can be called`,
      ],
      [
        '{ url: "http://u:$P@$HOST/s3cret", on: [held] }',
        `${url} http://$host/(hidden), which is no address that can be called (a variable of the environment is written \${HOST})`,
      ],
      [
        '{ url: "http://%ff@h/s3cret", on: [held] }',
        `${url} http://h/(hidden), which is no address that can be called`,
      ],
      [
        '{ url: "http://h/s3cret", on: [held] }, { url: "http://h/s3cret", on: [paused] }',
        'notify[1].url: found http://h/(hidden) twice: name all of its events in one `on` (what was sent is remembered by address)',
      ],
      [
        `{ url: "${SLACK}", on: [confirm-promotion], template: slack }`,
        'notify[0].on: asks for confirm-promotion of a Slack hook, which answers 200 to everything and so confirms every promotion',
      ],
    ],
    withHooks,
  )
  t.match(problemsOf(withHooks('{ url: "http://h", on: [] }')), [
    /notify\[0\]\.on: .*at least one entry/,
  ])
  t.match(problemsOf(withHooks('{ url: "http://h", on: [promotd] }')), [/on\[0\]: .*promoted/])
  t.match(problemsOf(withHooks('{ url: "http://h" }')), [/notify\[0\]\.on: is missing/])
  t.end()
})

t.test('a short secret and a webhook without a rollout are warned about', (t) => {
  const long = withHooks('{ url: "http://h", on: [held], secret: 0123456789abcdef }')
  t.same(warningsOf(long), [])
  t.same(warningsOf(withHooks('{ url: "http://h", on: [held] }')), [])
  t.match(warningsOf(withHooks('{ url: "http://h", on: [held], secret: short }')), [
    /notify\[0\]\.secret: is short: at least 16 characters/,
  ])
  t.match(warningsOf(file({ service: '    notify: [ { url: "http://h", on: [held] } ]' })), [
    /notify: is not used: the service has neither a rollout nor split.weights/,
  ])
  t.end()
})

t.test('neither the shown configuration nor a reload tells secret or address', (t) => {
  const text = withHooks(`{ url: "${SLACK}", on: [held], secret: s3cret-0123456789 }`)
  const config = configOf(text)
  const shown = redactConfig(config)
  t.notMatch(JSON.stringify(shown), 's3cret')
  t.match(shown.services[0]!.notify, [
    { url: 'https://hooks.slack.com/(hidden)', on: ['held'], secret: '(hidden)' },
  ])
  const open = redactConfig(configOf(withHooks('{ url: "http://h", on: [held] }')))
  t.match(open.services[0]!.notify, [{ url: 'http://h', secret: null }], 'there is none to hide')
  const other = configOf(text.replaceAll('s3cret', 'other'))
  t.same(describeChanges(config, other).slice(0, -1), [
    'services.m.notify[0].url: https://hooks.slack.com/(hidden) → https://hooks.slack.com/(hidden)',
    'services.m.notify[0].secret: (hidden) → (hidden)',
  ])
  t.not(config.hash, other.hash)
  t.end()
})

t.test('of an address the origin is shown alone', (t) => {
  t.equal(hookName('https://u:p@h:8443/'), 'https://h:8443')
  t.equal(hookName('http://h?t=1'), 'http://h/(hidden)')
  t.equal(hookName('http://'), '(hidden)')
  t.end()
})
