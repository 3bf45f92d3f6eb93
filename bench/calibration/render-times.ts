import { BLUE, FAINT, INK, line, round, svgOf, text } from '../report/svg.ts'
import { requests } from './render-scenario.ts'
import type { ScenarioResult } from './repeat.ts'

const WIDTH = 900
const LEFT = 250
const RIGHT = 110
const TOP = 56
const ROW = 20
const LEAST = 1000
const MOST = 1_000_000
const TICKS = [1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000]

/**
 * After how many requests each method had found a worse canary in half (dot) and in four of five (end of the line)
 * of the rollouts, on a logarithmic axis.
 */
export function renderTimes(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario) => [
    { scenario, result: null },
    ...scenario.methods.map((result) => ({ scenario, result })),
  ])
  const bottom = TOP + ROW * rows.length
  const x = (count: number) => {
    const share = Math.log(Math.min(Math.max(count, LEAST), MOST) / LEAST) / Math.log(MOST / LEAST)
    return round(LEFT + share * (WIDTH - LEFT - RIGHT))
  }
  const grid = TICKS.map(
    (tick) =>
      line(x(tick), TOP - 6, x(tick), bottom, FAINT, 1) +
      text(x(tick), bottom + 18, requests(tick), 'middle'),
  )
  const marks = rows.map(({ scenario, result }, i) => {
    const y = TOP + ROW * i + ROW / 2
    if (result === null) return text(16, y + 4, scenario.title.split(',')[0]!, 'start')
    const { method, p50, p80 } = result
    const color = method === 'serin' ? BLUE : INK
    const name = text(LEFT - 12, y + 4, method, 'end')
    if (p50 === null) return name + text(WIDTH - RIGHT + 8, y + 4, 'in under half', 'start')
    const end = p80 ?? MOST
    return [
      name,
      line(x(p50), y, x(end), y, color, 2),
      `<circle cx="${x(p50)}" cy="${y}" r="4" fill="${color}"/>`,
      text(x(end) + 8, y + 4, `${requests(p50)} / ${requests(p80)}`, 'start'),
    ].join('\n')
  })
  const heading = 'Requests until found: half of the rollouts / four of five'
  return svgOf(WIDTH, bottom + 40, heading, [...grid, ...marks])
}
