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

/**
 * Folders whose suites wait for programs and clocks much of the time, those with the longest suites first. They begin in
 * turns with the others, which compute: so neither do processors rest nor do many suites at once ask for them. Documents come
 * when the dearest of these are over: their scenes show decisions that were made in time.
 */
const WAITING = ['store', 'browser', 'e2e', 'docs', 'abuse', 'demo', 'deploy', 'workers']

/** Folders whose suites compute for longest: begun before others that compute, so that the end waits for none of them. */
const DEAREST = ['evaluator', 'property', 'simulation', 'rollout', 'cli']

/** Suites in one process at most: so the groups that are left at the end are short. */
const GROUP = 16

/**
 * Whether coverage is taken of a suite.
 *
 * @param {string} file compiled suite, `build/test/routing/assign.test.js`
 */
export function isCovered(file) {
  return !WITHOUT_COVERAGE.includes(folderOf(file))
}

/**
 * Puts suites that can share a process together, by folder.
 *
 * @param {readonly string[]} files compiled suites, `build/test/routing/assign.test.js`
 * @returns {{ name: string, files: string[] }[]} groups in the order in which they are to begin; the name of one that
 *   is alone is its file's
 */
export function groupSuites(files) {
  const waiting = groupsOf(files, (folder) => WAITING.includes(folder), WAITING)
  const computing = groupsOf(files, (folder) => !WAITING.includes(folder), DEAREST)
  const placed = [waiting, computing].flatMap((groups) =>
    groups.map((group, i) => ({ group, place: (i + 0.5) / groups.length })),
  )
  return placed.sort((a, b) => a.place - b.place).map(({ group }) => group)
}

function groupsOf(files, isWanted, first) {
  const byFolder = new Map()
  const wanted = files.filter((file) => isWanted(folderOf(file)))
  for (const file of wanted.sort((a, b) => rank(a, first) - rank(b, first))) {
    const key = APART.includes(folderOf(file))
      ? file
      : file.split('/').slice(0, -1).slice(0, 3).join('/')
    byFolder.set(key, [...(byFolder.get(key) ?? []), file])
  }
  return [...byFolder].flatMap(([key, all]) =>
    Array.from({ length: Math.ceil(all.length / GROUP) }, (_, i) => {
      const part = all.slice(i * GROUP, (i + 1) * GROUP)
      return { name: part.length === 1 ? part[0] : `${key}, part ${i + 1}`, files: part }
    }),
  )
}

function rank(file, first) {
  const at = first.indexOf(folderOf(file))
  return at === -1 ? first.length : at
}

/** The folder below `build/test/`; of a suite that is in none, its own name. */
function folderOf(file) {
  return file.split('/')[2]
}
