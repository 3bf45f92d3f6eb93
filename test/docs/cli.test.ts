import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { FeedbackReport } from '../../src/admin/admin-deps.ts'
import { createFakeDeps } from '../admin/fake-deps.ts'
import { backtestConfig } from '../cli/backtest-config.ts'
import { run, serveAdmin, toStream } from '../cli/fake-io.ts'
import { JSON_OUTPUTS } from './render-cli.ts'

t.test('What docs/cli.md says of `-o json` is what the commands print.', async (t) => {
  const report: FeedbackReport = {
    joined: 1,
    unmatched: 0,
    late: 0,
    duplicate: 0,
    unscored: 0,
    rejected: [],
  }
  const admin = await serveAdmin(t, createFakeDeps({ feedback: async () => report }))
  const file = join(t.testdir({}), 'serin.yaml')
  writeFileSync(file, backtestConfig())
  const made = ['backtest', 'credit-risk', '-c', file, '--rps', '50', '--runs', '2']
  const lines: readonly (readonly [string, string, readonly string[]])[] = [
    ['status', '', ['status']],
    ['weights', 'with weights', ['weights', 'credit-risk', 'canary=30']],
    ...['promote', 'abort', 'pause', 'resume', 'retry', 'undo'].map(
      (verb) => ['promote', 'and the other verbs', [verb, 'credit-risk']] as const,
    ),
    ['decisions', '', ['decisions', 'credit-risk']],
    ['experiments', '', ['experiments', 'fixed']],
    ['backtest', '--rps', made],
    ['feedback', '', ['feedback', '-']],
    ['reload', '', ['reload']],
  ]
  for (const [command, when, argv] of lines) {
    const { keys } = JSON_OUTPUTS.find((o) => o.command === command && o.when === when)!
    const stdin = toStream(['{"requestId": "a", "label": 1}\n'])
    const asks = command === 'backtest' ? [] : ['--admin', admin]
    const { stdout, stderr } = await run([...argv, '-o', 'json', ...asks], { stdin })
    t.same(
      Object.keys(JSON.parse(stdout) as object).sort(),
      [...keys!].sort(),
      `${argv.join(' ')} ${stderr}`,
    )
  }
  t.same(
    JSON_OUTPUTS.filter(({ keys }) => keys === null).map(({ command, when }) => [command, when]),
    [
      ['status', 'of one service'],
      ['weights', ''],
      ['explain', ''],
      ['explain', 'of an experiment'],
      ['plan', ''],
    ],
    'those that the schemas of the API describe, or names of variants',
  )
})
