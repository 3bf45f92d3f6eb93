/**
 * Writes `docs/calibration.md` with its plots, and the tables of `docs/statistics.md`, from what
 * `npm run bench:calibration -- --json` recorded: `node write-calibration.js FILE`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { fillSummary } from './render-summary.ts'
import { renderPage } from './render-page.ts'
import { renderRates } from './render-rates.ts'
import { renderTimes } from './render-times.ts'
import type { CalibrationReport } from './report.ts'

const file = process.argv[2] ?? 'bench/calibration/recorded.json'
const report = JSON.parse(readFileSync(file, 'utf8')) as CalibrationReport
const { scenarios } = report
writeFileSync('docs/calibration.md', renderPage(report))
writeFileSync(
  'docs/calibration-rates.svg',
  renderRates(
    scenarios.filter(
      ({ question }) => question === 'false-rollback' || question === 'false-promotion',
    ),
  ),
)
writeFileSync(
  'docs/calibration-times.svg',
  renderTimes(scenarios.filter(({ name }) => name.startsWith('worse-'))),
)
const page = 'docs/statistics.md'
writeFileSync(page, fillSummary(readFileSync(page, 'utf8'), report))
