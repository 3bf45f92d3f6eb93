/** Reads the coverage report of a test run. V8 reports no file that was never loaded: those count as not covered. */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

/** Folders of src/ in which every line and every branch is covered. */
const CORE = ['src/domain/', 'src/routing/', 'src/statistics/', 'src/rollout/']

/** Share of the lines of all of src/ that is covered, in percent. */
const WHOLE_PERCENT = 95

/**
 * Takes from V8's coverage of each process (`NODE_V8_COVERAGE`) what concerns the sources, and writes it where
 * `tap report` looks: most of it is about tap and the tests themselves. The files of V8 are removed.
 *
 * @param {string} from folder of V8's files
 * @param {string} to folder for the same without the rest
 * @param {string} compiled folder that holds the compiled `src/`
 */
export function collectCoverage(from, to, compiled) {
  const src = `${pathToFileURL(resolve(compiled, 'src')).href}/`
  mkdirSync(to, { recursive: true })
  for (const file of readdirSync(from)) {
    const result = readResult(join(from, file))
    // An .mjs is no module of tsc's: the build has generated it.
    const ours = result.filter(({ url }) => url.startsWith(src) && url.endsWith('.js'))
    if (ours.length > 0) writeFileSync(join(to, file), JSON.stringify({ result: ours }))
  }
  rmSync(from, { recursive: true })
}

function readResult(file) {
  const text = readFileSync(file, 'utf8')
  try {
    return JSON.parse(text).result
  } catch {
    // A process that a test has killed at its end leaves half a file.
    return []
  }
}

/**
 * Holds a report against what the project asks for.
 *
 * @param {string} report path of an lcov file
 * @param {string} compiled folder that holds the compiled `src/`
 * @returns {{ percent: number, gaps: string[] }} covered share of all lines, and one sentence for each
 *   thing that is missing (empty when all is well)
 */
export function readCoverage(report, compiled) {
  const files = existsSync(report) ? parseLcov(readFileSync(report, 'utf8')) : new Map()
  for (const source of modulesWithCode(compiled)) {
    if (!files.has(source)) files.set(source, neverLoaded(source))
  }
  let found = 0
  let hit = 0
  for (const { total, lines } of files.values()) {
    found += total
    hit += total - lines.length
  }
  const percent = found === 0 ? 0 : (100 * hit) / found
  const gaps = [...files].flatMap(([file, record]) => coreGaps(file, record))
  if (percent < WHOLE_PERCENT) {
    const worst = [...files].sort(([, a], [, b]) => b.lines.length - a.lines.length).slice(0, 10)
    gaps.push(
      `src: ${percent.toFixed(2)} % of the lines covered, ${WHOLE_PERCENT} % wanted; most are missing in`,
      ...worst.map(([file, { total, lines }]) => `  ${file}: ${lines.length} of ${total}`),
    )
  }
  return { percent, gaps }
}

function coreGaps(file, { loaded, lines, branches }) {
  if (!CORE.some((folder) => file.startsWith(folder))) return []
  if (!loaded) return [`${file}: no test loads it`]
  const gap = (what, at) =>
    at.length === 0 ? [] : [`${file}: ${what} not covered: ${at.join(', ')}`]
  return [...gap('lines', lines), ...gap('branches at lines', branches)]
}

/** Number of lines, uncovered lines, and lines with an uncovered branch, by file. */
function parseLcov(text) {
  const files = new Map()
  for (const record of text.split('end_of_record')) {
    const file = /^SF:(.+)$/m.exec(record)?.[1]
    if (file === undefined) continue
    const matched = (pattern) => [
      ...new Set(Array.from(record.matchAll(pattern), ([, line]) => Number(line))),
    ]
    files.set(file, {
      loaded: true,
      total: matched(/^DA:(\d+),/gm).length,
      lines: matched(/^DA:(\d+),0$/gm),
      branches: matched(/^BRDA:(\d+),\d+,\d+,(?:0|-)$/gm),
    })
  }
  return files
}

function neverLoaded(source) {
  const total = readFileSync(source, 'utf8').split('\n').length
  return {
    loaded: false,
    total,
    lines: Array.from({ length: total }, (_, i) => i + 1),
    branches: [],
  }
}

/** Sources that have something to run: a file of types alone compiles to nothing. */
function modulesWithCode(compiled) {
  const src = join(compiled, 'src')
  return (
    readdirSync(src, { recursive: true })
      // The bundle of the dashboard runs in a browser, which V8 here knows nothing of.
      .filter((file) => file.endsWith('.js') && !file.includes('dashboard/assets/'))
      .filter((file) => {
        const code = readFileSync(join(src, file), 'utf8')
        return code.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$|^export \{\};$/gm, '').trim() !== ''
      })
      .map((file) => `src/${file.replaceAll('\\', '/').replace(/\.js$/, '.ts')}`)
  )
}
