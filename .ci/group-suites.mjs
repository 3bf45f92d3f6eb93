/**
 * Folders of build/test/ whose suites start many programs (servers, browsers, the gateway itself), or compute for
 * long. Their coverage is not taken: it costs a third of the time, and what the others reach is enough.
 */
const WITHOUT_COVERAGE = ['abuse', 'browser', 'deploy', 'docs', 'e2e', 'property', 'simulation']

/**
 * Folders whose suites have a process each: the others compute for long, and would hold each other up. To load Node,
 * tap and the sources takes longer than most other suites do.
 */
const APART = [...WITHOUT_COVERAGE, 'demo', 'store', 'workers']

/** Folders whose suites compute or wait for longest: begun first, so that the end waits for none of them. */
const FIRST = ['store', 'evaluator', 'browser']

/** Suites in one process at most: so the groups that are left at the end are short. */
const GROUP = 16

/**
 * Whether coverage is taken of a suite.
 *
 * @param {string} file compiled suite, `build/test/routing/assign.test.js`
 */
export function isCovered(file) {
  return !WITHOUT_COVERAGE.includes(file.split('/')[2])
}

/**
 * Puts suites that can share a process together, by folder.
 *
 * @param {readonly string[]} files compiled suites, `build/test/routing/assign.test.js`
 * @returns {{ name: string, files: string[] }[]} groups in the order in which they are to begin; the name of one that
 *   is alone is its file's
 */
export function groupSuites(files) {
  const byFolder = new Map()
  for (const file of files.toSorted((a, b) => rank(a) - rank(b))) {
    const folder = file.split('/').slice(0, -1).slice(0, 3).join('/')
    const key = APART.includes(folder.split('/')[2]) ? file : folder
    byFolder.set(key, [...(byFolder.get(key) ?? []), file])
  }
  return [...byFolder].flatMap(([key, all]) =>
    Array.from({ length: Math.ceil(all.length / GROUP) }, (_, i) => {
      const part = all.slice(i * GROUP, (i + 1) * GROUP)
      return { name: part.length === 1 ? part[0] : `${key}, part ${i + 1}`, files: part }
    }),
  )
}

function rank(file) {
  const at = FIRST.indexOf(file.split('/')[2])
  return at === -1 ? FIRST.length : at
}
