/**
 * Every command line of the pages' fenced blocks is run here by bash, or by a suite that takes it from its page; a block
 * that neither runs is a failure.
 */
import t from 'tap'
import { readFileSync } from 'node:fs'
import { createProgram } from '../../src/cli/program.ts'
import { createFakeIo } from '../cli/fake-io.ts'
import { BlockList, shellBlocks, type ShellBlock, type Take, type Way } from './shell/blocks.ts'
import { outputPattern } from './shell/output-pattern.ts'
import { runOnFiles } from './shell/scenes-of-files.ts'
import { runOnGateways } from './shell/scenes-of-gateways.ts'
import { startWorld } from './shell/world.ts'

const blocks = shellBlocks()
const list = new BlockList(blocks)
const tally: Record<Way, number> = {
  'run here': 0,
  'by stand-ins': 0,
  'run by other suites': 0,
  usages: 0,
}
const count = (how: Way, taken: readonly ShellBlock[]) => {
  for (const { lines } of taken) tally[how] += lines
  return taken
}
const take: Take = (page, some, how = 'run here') => count(how, [list.take(page, some)])[0]!

t.setTimeout(240_000)
// It goes on while the blocks are run that ask no gateway.
const world = await startWorld(t)

t.test('What a page shows is held against an output word by word, but for figures.', (t) => {
  const shown =
    'm  step 1/3\n  p95  9.22 ms  1.4->2.0\n  …\n  advance 5 %\n  said by\n  c0ffee012345\n'
  const holds = (output: string) => outputPattern(shown, [/advance/]).test(output)
  t.ok(holds('m step 2/3 p95\n1,000 ms 1.4->2.0 more\n of it said by c0ffee054321'))
  for (const [one, other] of [
    ['ms', 's'],
    ['2.0', '2.1'],
    ['m step', 'n step'],
    ['05432', '0543'],
    [' by', ''],
  ] as const) {
    const output = 'm step 2/3 p95 1,000 ms 1.4->2.0 said by c0ffee054321'
    t.ok(holds(output))
    t.notOk(holds(output.replace(one, other)), `${other} for ${one}`)
  }
  t.notOk(outputPattern(shown).test('m step 1/3 p95 9.22 ms 1.4->2.0 said by c0ffee012345'))
  t.end()
})

t.test('Other suites run blocks that they take from their pages.', (t) => {
  for (const [page, some, suite] of [
    ['docs/first-canary.md', '', 'test/e2e/first-canary.test.ts'],
    ['docs/operations.md', 'npm pack', 'test/e2e/package.test.ts'],
  ] as const) {
    t.match(readFileSync(suite, 'utf8'), `'${page}'`, suite)
    const isIts = (block: ShellBlock) =>
      block.page === page && block.language === 'sh' && block.text.includes(some)
    t.ok(count('run by other suites', list.takeAll(isIts)).length > 0, page)
  }
  // Those of consoles are held against their outputs by test/docs/commands.test.ts.
  const consoles = list.takeAll(({ language }) => language === 'console')
  for (const { page, line, text } of count('run by other suites', consoles)) {
    t.notMatch(text, /^\$ (?!serin )/m, `${page}:${line}: commands of serin alone`)
  }
  t.end()
})

t.test('Every usage of docs/cli.md is what the command says of itself.', (t) => {
  const { commands } = createProgram(createFakeIo([]).io)
  for (const { text } of count(
    'usages',
    list.takeAll(
      ({ page, text }) => page === 'docs/cli.md' && /^serin \w+ \[options\].*\n$/.test(text),
    ),
  )) {
    const command = commands.find((each) => each.name() === text.split(' ')[1])!
    t.match(command.helpInformation(), `Usage: ${text}`)
  }
  t.end()
})

runOnFiles(t, take)
runOnGateways(t, take, world)

t.test('No block is left over.', (t) => {
  const left = list.left.map(({ page, line, text }) => `${page}:${line}: ${text}`)
  t.same(left, [])
  t.comment(`${blocks.length} blocks; lines ${JSON.stringify(tally)}`)
  t.end()
})
