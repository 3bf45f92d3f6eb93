/**
 * Runs compiled tests under tap: `tap run .ci/all-suites.mjs --test-arg=build/test/a.test.js …`, those that
 * can share a process together, several processes at a time, each as one subtest. From the environment:
 * `SUITE_TIMEOUT`, seconds that each suite may take, and `SUITE_COVERAGE`, a folder for V8's coverage (absent = none).
 *
 * Tap's own way puts its loaders into each test and into all that the test starts; on Node 20 these take
 * more time than most suites do. V8 writes the same coverage without them.
 */
import { availableParallelism } from 'node:os'
import t from 'tap'
import { groupSuites, isCovered } from './group-suites.mjs'

const { SUITE_TIMEOUT, SUITE_COVERAGE, ...rest } = process.env
// More than there are processors: suites that start programs wait much of the time.
t.jobs = Math.round(2.5 * availableParallelism())
const groups = groupSuites(process.argv.slice(2))
for (const { name, files } of groups) {
  const seconds = Number(SUITE_TIMEOUT) * files.length
  // `env -u`: the loaders come in this variable.
  // Few suites are being looked into: they name lines of the sources. To find these takes all of them a twentieth longer.
  const maps = groups.length < 10 ? ['--enable-source-maps'] : []
  const args = ['-u', 'NODE_OPTIONS', process.execPath, ...maps, '.ci/suites-of-group.mjs', name]
  const env = {
    ...rest,
    ...{ TAP_TIMEOUT: String(seconds), SUITES: JSON.stringify(files) },
    // Tap would remove a test's folder before its teardown, while what the test has started writes to it.
    TAP_SAVE_FIXTURE: '1',
    ...(SUITE_COVERAGE === undefined || !isCovered(files[0])
      ? {}
      : { NODE_V8_COVERAGE: SUITE_COVERAGE }),
  }
  // `at: null`: where a suite that dies was started tells nothing.
  const options = { at: null, stack: '', buffered: true, timeout: seconds * 1000, env }
  void t.spawn('env', args, options, name)
}
