import { BLUE, FAINT, INK, line, round, svgOf, text } from '../report/svg.ts'
import { percent } from './render-scenario.ts'
import type { ScenarioResult } from './repeat.ts'

const WIDTH = 900
const LEFT = 330
const RIGHT = 60
const TOP = 56
const ROW = 20
/** The left end of the axis: rates below it stand there. */
const LEAST = 0.001
const TICKS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1]
const ALPHA = 0.05

/**
 * How often each method acted where it should not have, with its 95 % interval, on a logarithmic axis: serin's in
 * colour, and the promised 5 % as a line.
 */
export function renderRates(scenarios: readonly ScenarioResult[]): string {
  const rows = scenarios.flatMap((scenario) => [
    { scenario, result: null },
    ...scenario.methods
      .filter(({ method }) => method !== 'paused')
      .map((result) => ({ scenario, result })),
  ])
  const bottom = TOP + ROW * rows.length
  const x = (rate: number) =>
    round(
      LEFT +
        (Math.log(Math.max(rate, LEAST) / LEAST) / Math.log(1 / LEAST)) * (WIDTH - LEFT - RIGHT),
    )
  const grid = TICKS.map(
    (tick) =>
      line(x(tick), TOP - 6, x(tick), bottom, FAINT, 1) +
      text(x(tick), bottom + 18, `${100 * tick} %`, 'middle'),
  )
  const promised = line(x(ALPHA), TOP - 6, x(ALPHA), bottom, INK, 1)
  const marks = rows.map(({ scenario, result }, i) => {
    const y = TOP + ROW * i + ROW / 2
    if (result === null) return text(16, y + 4, scenario.name, 'start')
    const { method, acted, rollouts, lower, upper, promised: isPromised } = result
    const color = isPromised === null ? INK : BLUE
    const rate = acted / rollouts
    return [
      text(LEFT - 12, y + 4, method, 'end'),
      line(x(lower), y, x(upper), y, color, 2),
      `<circle cx="${x(rate)}" cy="${y}" r="4" fill="${color}"/>`,
      text(x(upper) + 8, y + 4, percent(rate), 'start'),
    ].join('\n')
  })
  const heading = 'Acted where it should not have, in a whole rollout (line: 5 %)'
  return svgOf(WIDTH, bottom + 40, heading, [...grid, promised, ...marks])
}
