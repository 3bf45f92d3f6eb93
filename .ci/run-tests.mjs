/**
 * Runs the compiled tests: `node .ci/run-tests.mjs [--long] [test/a.test.ts …]`.
 *
 * Without arguments: all suites but the long ones, with coverage. `--long`: the long ones
 * (`*.long.test.ts`) alone. With files: those alone. Its last line is `N passed, N failed`, with
 * `, N skipped` where something was skipped, in tap's own numbers. With CI=true a skip is a failure.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { collectCoverage, readCoverage } from './coverage.mjs'
import { providePrograms } from './programs.mjs'

const BUILD = 'build'
const OUTPUT = '.tap/output.tap'
const V8_COVERAGE = '.tap/v8'
const COVERAGE = '.tap/coverage'
const REPORT = '.tap/report/lcov.info'
const FIXTURES = '.tap/fixtures'

process.chdir(join(import.meta.dirname, '..'))
const args = process.argv.slice(2)
const onCi = process.env.CI === 'true'
const isLongRun = args.includes('--long')
const whole = !isLongRun && args.length === 0
const suites =
  whole || isLongRun
    ? compiledTests().filter((file) => isLong(file) === isLongRun)
    : args.map((file) => join(BUILD, file.replace(/\.ts$/, '.js')))

const missing = providePrograms()
for (const { command, debian, suites } of missing) {
  console.log(`skipped for want of ${command} (Debian package ${debian}): ${suites.join(', ')}`)
}

for (const left of [OUTPUT, V8_COVERAGE, COVERAGE, REPORT, FIXTURES]) {
  rmSync(left, { recursive: true, force: true })
}
const ran = runTap(
  [
    'run',
    '.ci/all-suites.mjs',
    ...suites.map((file) => `--test-arg=${file}`),
    `--output-file=${OUTPUT}`,
    // Each suite has its own timeout and writes its own coverage.
    '--timeout=36000',
    '--disable-coverage',
    '--allow-empty-coverage',
    ...(process.stdout.isTTY ? [] : ['--reporter=terse']),
    ...(onCi ? ['--fail-skip'] : []),
  ],
  whole
    ? { SUITE_TIMEOUT: '240', SUITE_COVERAGE: resolve(V8_COVERAGE) }
    : { SUITE_TIMEOUT: '3600', ...(isLongRun ? { FC_SEED: process.env.FC_SEED ?? 'random' } : {}) },
)
const gaps = whole ? coverageGaps() : []
const counts = readCounts()
// Once more, at the end: above them stand the many lines of the coverage.
for (const failure of readFailures()) console.log(failure)
process.exitCode = ran && gaps.length === 0 && (!onCi || missing.length === 0) ? 0 : 1
console.log(
  `${counts.pass} passed, ${counts.fail} failed` +
    (counts.skip > 0 ? `, ${counts.skip} skipped` : ''),
)

/** Whether this command of tap succeeded. */
function runTap(args, env) {
  const { status } = spawnSync(process.execPath, ['node_modules/tap/dist/esm/run.mjs', ...args], {
    stdio: 'inherit',
    env: { ...process.env, ...env },
  })
  return status === 0
}

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
  collectCoverage(V8_COVERAGE, COVERAGE, BUILD)
  runTap(['report'], {})
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

/** What failed: the first lines of each, after the tests that it stands in. */
function readFailures() {
  const lines = readFileSync(OUTPUT, 'utf8').split('\n')
  return lines.flatMap((line, at) => {
    // With a time it is a test in which something failed; that is told by itself.
    if (!/^ *not ok /.test(line) || line.includes('# time=')) return []
    const indent = line.search(/\S/)
    const places = []
    for (let i = at, within = indent; i >= 0 && within > 0; i--) {
      const [, spaces, name] = /^( *)# Subtest: (.+)$/.exec(lines[i]) ?? []
      if (name === undefined || spaces.length >= within) continue
      places.unshift(name)
      within = spaces.length
    }
    const detail = lines.slice(at + 1, at + 25).filter((l) => l.search(/\S/) > indent)
    return [['', `failed: ${places.join(' > ')}`, line, ...detail].join('\n')]
  })
}
