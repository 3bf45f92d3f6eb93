/**
 * Writes `docs/performance.md`, and its plot `docs/performance.svg`, from what `npm run bench -- --json`
 * recorded: `node write-performance.js FILE`. Where there is no such file the page says so.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import type { Report } from './report/figures.ts'
import { renderPage } from './report/render-page.ts'
import { renderPlot } from './report/render-plot.ts'

const file = process.argv[2] ?? 'bench/recorded.json'
const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : null
if (report?.ratios !== undefined) {
  writeFileSync('docs/performance.svg', renderPlot({ ratios: report.ratios }))
}
writeFileSync('docs/performance.md', renderPage(report))
