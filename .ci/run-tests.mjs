/**
 * Runs the compiled tests: `node .ci/run-tests.mjs [--long] [test/a.test.ts …]`.
 *
 * Without arguments: all suites but the long ones, with coverage. `--long`: the long ones
 * (`*.long.test.ts`) alone. With files: those alone. Its last line is `N passed, N failed`, with
 * `, N skipped` where something was skipped, in tap's own numbers. With CI=true a skip is a failure.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readCoverage } from './coverage.mjs'
import { providePrograms } from './programs.mjs'

const BUILD = 'build'
const OUTPUT = '.tap/output.tap'
const REPORT = '.tap/report/lcov.info'

process.chdir(join(import.meta.dirname, '..'))
const args = process.argv.slice(2)
const onCi = process.env.CI === 'true'
const chosen = args.includes('--long')
  ? compiledTests().filter(isLong)
  : args.map((file) => join(BUILD, file.replace(/\.ts$/, '.js')))
const whole = chosen.length === 0

const missing = providePrograms()
for (const { command, debian, suites } of missing) {
  console.log(`skipped for want of ${command} (Debian package ${debian}): ${suites.join(', ')}`)
}

rmSync(OUTPUT, { force: true })
const tap = spawnSync(
  process.execPath,
  [
    'node_modules/tap/dist/esm/run.mjs',
    `--output-file=${OUTPUT}`,
    ...(process.stdout.isTTY ? [] : ['--reporter=terse']),
    ...(onCi ? ['--fail-skip'] : []),
    ...(whole ? [] : ['--disable-coverage', '--timeout=3600']),
    ...chosen,
  ],
  { stdio: 'inherit' },
)

const gaps = whole ? coverageGaps() : []
const counts = readCounts()
process.exitCode = tap.status === 0 && gaps.length === 0 && (!onCi || missing.length === 0) ? 0 : 1
console.log(
  `${counts.pass} passed, ${counts.fail} failed` +
    (counts.skip > 0 ? `, ${counts.skip} skipped` : ''),
)

function compiledTests() {
  return readdirSync(join(BUILD, 'test'), { recursive: true })
    .filter((file) => file.endsWith('.test.js'))
    .map((file) => join(BUILD, 'test', file))
}

function isLong(file) {
  return file.endsWith('.long.test.js')
}

/** Prints and returns what the coverage falls short of. */
function coverageGaps() {
  const { percent, gaps } = readCoverage(REPORT, BUILD)
  console.log(`coverage of lines: ${percent.toFixed(2)} % (files that no test loads included)`)
  for (const gap of gaps) console.log(`coverage: ${gap}`)
  return gaps
}

/** Tap's closing comment, `# { total: 12, pass: 11, fail: 1 }`; a run that broke off has none. */
function readCounts() {
  const closing = [...readFileSync(OUTPUT, 'utf8').matchAll(/^# \{ (total: .+) \}$/gm)].at(-1)?.[1]
  if (closing === undefined) throw new Error(`tap wrote no summary to ${OUTPUT}`)
  const count = (word) => Number(new RegExp(`\\b${word}: (\\d+)`).exec(closing)?.[1] ?? 0)
  return { pass: count('pass'), fail: count('fail'), skip: count('skip') + count('todo') }
}
