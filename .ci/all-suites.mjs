/**
 * Runs compiled tests under tap: `tap run .ci/all-suites.mjs --test-arg=build/test/a.test.js …`, each as a
 * program of its own and as one subtest, several at a time. From the environment: `SUITE_TIMEOUT`, seconds
 * that each may take, and `SUITE_COVERAGE`, a folder for V8's coverage (absent = none).
 *
 * Tap's own way puts its loaders into each test and into all that the test starts; on Node 20 these take
 * more time than most suites do. V8 writes the same coverage without them.
 */
import { availableParallelism } from 'node:os'
import t from 'tap'

const { SUITE_TIMEOUT, SUITE_COVERAGE, ...rest } = process.env
const env = {
  ...rest,
  TAP_TIMEOUT: SUITE_TIMEOUT,
  ...(SUITE_COVERAGE === undefined ? {} : { NODE_V8_COVERAGE: SUITE_COVERAGE }),
}

// One more than there are processors: some suites wait most of the time.
t.jobs = availableParallelism() + 1
for (const file of process.argv.slice(2)) {
  // `env -u`: the loaders come in this variable.
  const args = ['-u', 'NODE_OPTIONS', process.execPath, '--enable-source-maps', file]
  const timeout = Number(SUITE_TIMEOUT) * 1000
  // `at: null`: where a suite that dies was started tells nothing.
  void t.spawn('env', args, { at: null, stack: '', buffered: true, timeout, env }, file)
}
