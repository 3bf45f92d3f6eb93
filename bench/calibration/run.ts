/**
 * Simulates rollouts to see whether serin's error rates are what it promises, and how long it takes, beside
 * other rules. What is simulated and how stands in bench/calibration/README.md. Ends with 1 where a promise is
 * not kept.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { findFaults } from './find-faults.ts'
import { readOptions } from './options.ts'
import { repeat, type ScenarioResult } from './repeat.ts'
import type { CalibrationReport } from './report.ts'
import { renderScenario } from './render-scenario.ts'
import { allScenarios } from './scenarios/all.ts'

const { jsonFile, quick, seed, only } = readOptions(process.argv.slice(2))
const scenarios = allScenarios().filter(({ name }) => name.startsWith(only ?? ''))
if (scenarios.length === 0) throw new Error(`no scenario is called ${only}`)
const results = scenarios.map((scenario) => {
  const result = repeat(scenario, scenario.rollouts[quick ? 1 : 0], seed)
  console.log(`${renderScenario(result)}\n`)
  return result
})
const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string }
const report: CalibrationReport = {
  at: new Date().toISOString(),
  version,
  node: process.version,
  seed,
  quick,
  scenarios: only === null || jsonFile === null ? results : among(jsonFile, results),
}
if (jsonFile !== null) writeFileSync(jsonFile, `${JSON.stringify(report, null, 2)}\n`)
const faults = findFaults(results)
for (const fault of faults) console.error(fault)
process.exitCode = faults.length === 0 ? 0 : 1

/** The results in their places among those that the file has of other scenarios, which stay as they are. */
function among(file: string, own: readonly ScenarioResult[]): readonly ScenarioResult[] {
  const kept = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as CalibrationReport).scenarios
    : []
  const find = (name: string) =>
    own.find((r) => r.name === name) ?? kept.find((r) => r.name === name) ?? []
  return allScenarios().flatMap(({ name }) => find(name))
}
