import { renderMarkdown } from '../report/render-table.ts'
import { percent, requests } from './render-scenario.ts'
import type { MethodResult, ScenarioResult } from './repeat.ts'
import type { CalibrationReport } from './report.ts'
import type { Question } from './scenario.ts'

const HEADINGS: readonly (readonly [Question, string, string])[] = [
  [
    'false-rollback',
    'Alike: false rollbacks',
    'The canary is as good as the baseline. "Acted" is the share of whole rollouts in which the method rolled it back at any look.',
  ],
  [
    'false-promotion',
    'At the margin: false promotions',
    'The canary is exactly as much worse as the proof has to exclude. "Acted" is the share of the rollouts in which it was proved (in whole rollouts: promoted) all the same.',
  ],
  [
    'detection',
    'Worse: how long until it is found',
    'Requests are those of both sides. A dash: in fewer rollouts than that, within the time simulated. Planned: half / four of five, by [the planner](planning.md).',
  ],
  ['proof', 'Alike: how long until it is proved', 'As above; the promotion waits for it.'],
]

/** `docs/calibration.md` of a recorded run. */
export function renderPage(report: CalibrationReport): string {
  const parts = HEADINGS.flatMap(([question, heading, note]) => [
    `## ${heading}`,
    ...(question === 'false-rollback' ? ['![Rates](calibration-rates.svg)'] : []),
    ...(question === 'detection' ? ['![Times](calibration-times.svg)'] : []),
    note,
    renderMarkdown({
      title: heading,
      rows: [
        question === 'false-rollback' || question === 'false-promotion' ? RATE_HEAD : TIME_HEAD,
        ...report.scenarios
          .filter((scenario) => scenario.question === question)
          .flatMap((scenario) => rowsOf(scenario)),
      ],
    }),
  ])
  return `${[...HEAD, renderRun(report), ...parts].join('\n\n')}\n`
}

const HEAD = [
  '<!-- Written by `npm run docs:calibration`: change bench/calibration/render-page.ts instead. -->',
  '# Calibration',
  `Simulated rollouts, judged by serin's own core and by other rules. What the evidence is and what it promises stands in
[statistics.md](statistics.md); how the rollouts are simulated, and how to do it again, in
[bench/calibration/README.md](../bench/calibration/README.md).`,
]

const RATE_HEAD = ['situation', 'method', 'rollouts', 'acted', '95 % interval', 'promised']
const TIME_HEAD = ['situation', 'method', 'rollouts', 'found', 'half', 'four of five', 'planned']

function renderRun({ at, version, node, seed, scenarios }: CalibrationReport): string {
  return `serin ${version}, ${at.slice(0, 10)}, Node ${node}, seed ${seed}: ${scenarios.length} scenarios. The same seed gives the same figures.
Intervals are exact (Clopper–Pearson).`
}

function rowsOf({ title, question, methods }: ScenarioResult): string[][] {
  const isRate = question === 'false-rollback' || question === 'false-promotion'
  return methods.map((result, i) => [
    i === 0 ? title : '',
    result.method,
    String(result.rollouts),
    percent(result.acted / result.rollouts),
    ...(isRate
      ? [interval(result), result.promised === null ? '' : `≤ ${percent(result.promised)}`]
      : [requests(result.p50), requests(result.p80), planned(result)]),
  ])
}

/** The 95 % interval of a rate. */
function interval({ lower, upper }: MethodResult): string {
  return `${percent(lower)} – ${percent(upper)}`
}

function planned({ planned: plan }: MethodResult): string {
  return plan === null ? '' : `${requests(plan.p50)} / ${requests(plan.p80)}`
}
