import t from 'tap'
import type { MetricJson } from '../../src/admin/present-metric.ts'
import type { DecisionJson, ServiceJson } from '../../src/admin/present.ts'
import type { DemoResult } from '../../src/demo/demo-result.ts'
import {
  buildLineNarrator,
  buildSilentNarrator,
  buildTerminalNarrator,
} from '../../src/demo/narrator.ts'
import { formatClock, renderLive, renderProgress } from '../../src/demo/render-live.ts'
import type { LiveService } from '../../src/demo/render-live.ts'
import { renderDecision, renderResult } from '../../src/demo/render-result.ts'

const VIEW = {
  phase: 'progressing',
  step: { index: 1, of: 4, kind: 'weight', enteredAt: '' },
  weights: { baseline: 80, canary: 20 },
  etaSeconds: 11.2,
  missing: ['rmse: a rise above 5 % is not excluded yet', 'the step lasts at least 5s'],
  variants: { baseline: { version: '1.4' }, canary: { version: '2.0' } },
  metrics: [
    metric('errors', { log: 0.3, threshold: 3 }, { log: null, threshold: 3 }),
    metric('rmse', null, { log: 2, threshold: 3 }),
    metric('rmse/above-cap', null, null),
  ],
} as unknown as ServiceJson

const LIVE: LiveService = {
  service: 'mpg-better',
  story: 'the canary is the better model',
  view: VIEW,
  users: {
    baseline: { requests: 123_456, errors: 1, wrong: 42, squaredError: 1_111_095 },
    canary: { requests: 2, errors: 2, wrong: 0, squaredError: 0 },
  },
  ending: null,
}

const START = '2026-05-01T12:00:00.000Z'
const DECISION = {
  service: 'mpg-better',
  at: '2026-05-01T12:00:12.300Z',
  action: 'advance',
  summary: 'Advanced from 5 % to 20 %.',
} as DecisionJson

type Evidence = MetricJson['evidence']['harm']

function metric(name: string, harm: Evidence, nonInferiority: Evidence): MetricJson {
  return { name, evidence: { harm, nonInferiority, stepNonInferiority: null } } as MetricJson
}

t.test('the live block shows weights, phase, what users saw, and how far the evidence is', (t) => {
  const lines = renderLive([LIVE], 83_000)
  t.same(lines, [
    'serin demo  01:23  Ctrl-C ends it',
    '',
    'mpg-better: the canary is the better model',
    `  ${'█'.repeat(6)}${'░'.repeat(24)} canary 20 % · progressing · step 2 of 4`,
    '  baseline 1.4  123,456 requests     1 errors    42 wrong   RMSE 3.00',
    '  canary   2.0        2 requests     2 errors     0 wrong   RMSE –',
    '  errors: worse █░░░░░░░░░ 10 %   rmse: no worse ███████░░░ 66 %',
    '  next step in about 12 s; rmse: a rise above 5 % is not excluded yet',
  ])
  t.end()
})

t.test('the live block keeps its height and its 80 columns whatever is known', (t) => {
  const view = {
    ...VIEW,
    phase: null,
    step: null,
    weights: {},
    variants: {},
    metrics: [],
    missing: [],
    etaSeconds: null,
  }
  const services: readonly LiveService[] = [
    { ...LIVE, view: null },
    { ...LIVE, view, users: {} },
    { ...LIVE, ending: 'x'.repeat(200) },
  ]
  const lines = renderLive(services, 0)
  t.equal(lines.length, 1 + 3 * 7)
  t.ok(lines.every((line) => line.length <= 80))
  t.equal(lines[3], '  waiting for the gateway')
  t.match(lines[10], /canary 0 % · no rollout$/)
  t.end()
})

t.test('progress is one line on all services', (t) => {
  const unknown = { ...VIEW, weights: {}, phase: null, etaSeconds: null }
  const services = [LIVE, { ...LIVE, view: null }, { ...LIVE, view: unknown }]
  t.equal(
    renderProgress(services, 5000),
    '[00:05] mpg-better 20 % progressing (next step in 12 s) · mpg-better … · mpg-better 0 % no rollout',
  )
  t.equal(formatClock(3_601_000), '60:01')
  t.end()
})

t.test('a decision is a line with its time since the start and its sentence', (t) => {
  const line = '  12.3 s  advance   Advanced from 5 % to 20 %.'
  t.equal(renderDecision(DECISION, Date.parse(START)), line)
  t.match(renderDecision(DECISION, Date.parse(DECISION.at) + 99), /^ {3}0\.0 s/)
  t.end()
})

t.test('on a terminal the block is redrawn in place until a sentence comes between', (t) => {
  let text = ''
  const narrator = buildTerminalNarrator((more) => (text += more))
  narrator.show([LIVE], 0)
  t.ok(text.startsWith('serin demo  00:00'))
  text = ''
  narrator.show([LIVE], 500)
  t.ok(text.startsWith('\x1b[8A\rserin demo  00:00'), 'up by the eight lines of the last block')
  t.equal(text.split('\x1b[K\n').length, 9)
  text = ''
  narrator.decided(DECISION, 0)
  t.equal(text, '', 'the block shows where things stand')
  narrator.say('And now?')
  narrator.show([LIVE], 1000)
  t.match(text, /^And now\?\nserin demo/)
  t.end()
})

t.test('elsewhere decisions and a line of progress every five seconds are printed', (t) => {
  let text = ''
  const narrator = buildLineNarrator((more) => (text += more))
  for (const elapsed of [0, 500, 4999, 5000, 5500]) narrator.show([LIVE], elapsed)
  narrator.decided(DECISION, Date.parse(START))
  narrator.say('Done.')
  t.equal(
    text,
    '[00:00] mpg-better 20 % progressing (next step in 12 s)\n[00:05] mpg-better 20 % progressing (next step in 12 s)\n' +
      'mpg-better: 12.3 s  advance   Advanced from 5 % to 20 %.\nDone.\n',
  )
  t.end()
})

t.test('for JSON nothing is told on the way', (t) => {
  const narrator = buildSilentNarrator()
  t.doesNotThrow(() => {
    narrator.say('x')
    narrator.show([LIVE], 0)
    narrator.decided(DECISION, 0)
  })
  t.end()
})

const RESULT: DemoResult = {
  ok: true,
  problems: [],
  seed: 7,
  quick: true,
  seconds: 49.6,
  requestsPerSecond: 500,
  wrongBeyond: 8,
  services: [
    {
      service: 'mpg-better',
      story: 'the canary is the better model',
      expected: 'promoted',
      ok: true,
      ending: 'promoted: the canary serves everybody',
      seconds: 40,
      offlineRmse: { baseline: 3.345, canary: 2.863 },
      users: {
        none: { requests: 1, errors: 1, wrong: 0, rmse: null },
        canary: { requests: 12_345, errors: 0, wrong: 17, rmse: 2.871 },
      },
      decisions: [{ ...DECISION, at: START, action: 'start', summary: 'It starts.' }, DECISION],
    },
  ],
  feedback: {
    joined: 20_000,
    unmatched: 3,
    late: 0,
    duplicate: 0,
    rejected: 0,
    undelivered: 0,
    lastProblem: null,
  },
}

t.test('the report tells each ending, its decisions, and what users saw', (t) => {
  t.equal(
    renderResult(RESULT),
    `
✓ mpg-better: the canary is the better model
  promoted: the canary serves everybody
  tested offline: RMSE 2.86 mpg for the canary's model, 3.35 for the baseline's
  decisions:
     0.0 s  start     It starts.
    12.3 s  advance   Advanced from 5 % to 20 %.
  users saw (wrong = more than 8 mpg off):
    canary      12,345 requests      0 errors     17 wrong  RMSE 2.87
    no variant       1 requests      1 errors      0 wrong  RMSE –

feedback: 20,000 true values joined, 3 unmatched, 0 late

All 1 rollouts ended as they should, in 50 s (seed 7).
`,
  )
  t.end()
})

t.test('a long decision is told under itself, within the 80 columns of the report', (t) => {
  const [service] = RESULT.services
  const summary = `Advanced from 5 % to 20 %: ${'no harm is shown; '.repeat(6).trim()}`
  const decisions = [{ ...DECISION, summary }]
  const lines = renderResult({ ...RESULT, services: [{ ...service!, decisions }] }).split('\n')
  const first = lines.findIndex((line) => line.includes('Advanced'))
  const told = lines.slice(first, first + 3)
  t.equal(told[0]!.slice(0, 22), '     0.0 s  advance   ')
  t.same(
    told.slice(1).map((line) => line.slice(0, 22).trim()),
    ['', ''],
  )
  t.equal(told.map((line) => line.slice(22)).join(' '), summary)
  t.ok(lines.every((line) => line.length <= 80))
  t.end()
})

t.test('the report says what went otherwise, and which feedback was not delivered', (t) => {
  const [service] = RESULT.services
  const text = renderResult({
    ...RESULT,
    ok: false,
    problems: ['mpg-better was never seen.'],
    services: [{ ...service!, ok: false, decisions: [], users: {} }],
    feedback: { ...RESULT.feedback, undelivered: 5, lastProblem: 'refused' },
  })
  t.match(text, /^✗ mpg-better/m)
  t.match(text, /0 late, 5 not delivered \(refused\)/)
  t.match(text, /Not as it should be \(seed 7\): mpg-better was never seen\.\n$/)
  t.end()
})
