import { renderMarkdown } from '../report/render-table.ts'
import { percent, requests } from './render-scenario.ts'
import type { MethodResult, ScenarioResult } from './repeat.ts'
import type { CalibrationReport } from './report.ts'

const BEGIN = '<!-- calibration: written by `npm run docs:calibration` -->'
const END = '<!-- /calibration -->'

/**
 * A page with the tables between its marks written anew: what the promised rates are, beside those of other rules,
 * and how long serin takes. Throws where the marks are missing.
 */
export function fillSummary(page: string, report: CalibrationReport): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)]
  if (from < 0 || to < from) throw new Error(`the page has no place between ${BEGIN} and ${END}`)
  const { scenarios } = report
  const rates = renderMarkdown({
    title: 'rates',
    rows: [
      ['acted, of whole rollouts', 'serin', '95 % interval', 'beside it'],
      ...scenarios.filter(isRate).flatMap(rateRows),
    ],
  })
  const times = renderMarkdown({
    title: 'times',
    rows: [
      ['requests, half / four of five', 'serin', 'peeked z or t', 'planned'],
      ...scenarios.filter((scenario) => !isRate(scenario)).flatMap(timeRows),
    ],
  })
  return `${page.slice(0, from)}${BEGIN}\n\n${rates}\n\n${times}\n\n${page.slice(to)}`
}

function isRate({ question }: ScenarioResult): boolean {
  return question === 'false-rollback' || question === 'false-promotion'
}

function rateRows({ title, methods, question }: ScenarioResult): string[][] {
  const others = methods.filter(({ promised, method }) => promised === null && method !== 'paused')
  const beside = question === 'false-promotion' && methods.length > 2 ? [] : others
  return methods
    .filter(({ promised }) => promised !== null)
    .map((result, i) => [
      `${i === 0 ? title : '〃'}${result.method === 'serin' ? '' : ` (${result.method.replace('serin, ', '')})`}`,
      percent(result.acted / result.rollouts),
      `${percent(result.lower)} – ${percent(result.upper)}`,
      i === 0 ? beside.map(describe).join('; ') : '',
    ])
}

function describe({ method, acted, rollouts }: MethodResult): string {
  return `${method} ${percent(acted / rollouts)}`
}

function timeRows({ title, methods }: ScenarioResult): string[][] {
  const own = methods.find(({ method }) => method === 'serin' || method === 'rolled back')
  // What only checks the planner is no figure of serin: it stands in the whole page.
  if (own === undefined) return []
  const peeked = methods.find(({ method }) => method === 'peeked z' || method === 'peeked t')
  const both = (p50: number | null, p80: number | null) => `${requests(p50)} / ${requests(p80)}`
  return [
    [
      title,
      both(own.p50, own.p80),
      peeked === undefined ? '' : both(peeked.p50, peeked.p80),
      own.planned === null ? '' : both(own.planned.p50, own.planned.p80),
    ],
  ]
}
