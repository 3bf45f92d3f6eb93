import t from 'tap'
import { CommanderError } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { createFakeIo, run } from '../cli/fake-io.ts'
import { EXAMPLE_ENV } from '../config/example-env.ts'
import { fencedBlocks, MARKDOWN_PAGES, proseOf } from './markdown-pages.ts'

/** Names in capitals or brackets stand for something of the reader's; so does what is left out. */
const PLACEHOLDER = /^(?:<.+>|\[.+\]|[A-Z][A-Z_]+|…|\.\.\.)$/

type Line = { readonly where: string; readonly line: string }

/** `serin …` at the start of a line of a shell, or after what a shell puts before it. */
const commandLines: readonly Line[] = fencedBlocks()
  // docs/cli.md is made from the commands, and has a test of its own.
  .filter(({ page }) => page !== 'docs/cli.md')
  .filter(({ language }) => ['sh', 'console', 'bash', ''].includes(language))
  .flatMap(({ page, line, text }) =>
    text
      .replaceAll(/\\\n\s*/g, ' ')
      .split('\n')
      .map((each) => /^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(?:serin|node dist\/main\.js) (.+)$/.exec(each))
      .flatMap((found) => (found === null ? [] : [{ where: `${page}:${line}`, line: found[1]! }])),
  )

/** `serin …` in code marks within a sentence. Such a mention may leave arguments out. */
const mentions: readonly Line[] = MARKDOWN_PAGES.filter(
  // What was written at the time of a version stays as it was.
  (page) => page !== 'CHANGELOG.md',
).flatMap((page) =>
  [...proseOf(page).matchAll(/`serin ([^`]+)`/g)].map(([, line]) => ({ where: page, line: line! })),
)

/** The words of a command, up to a comment, a pipe, a redirection or what runs it in the background. */
function wordsOf(line: string): readonly string[] {
  const words = line.match(/"[^"]*"|'[^']*'|\S+/g) ?? []
  const end = words.findIndex((word) => /^(?:[|&;>#]|2>)/.test(word))
  return (end === -1 ? words : words.slice(0, end)).map((word) =>
    word.replace(/^(["'])(.*)\1$/, '$2'),
  )
}

/** What the real command line says against these words, or null. No command is run. */
async function objection(words: readonly string[]): Promise<CommanderError | null> {
  const program = createProgram(createFakeIo([]).io)
  for (const command of program.commands) command.action(() => {})
  try {
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (!['commander.version', 'commander.helpDisplayed', 'commander.help'].includes(error.code))
      return error
  }
  return null
}

t.test('Every command line of the documents is one that serin has.', async (t) => {
  t.ok(commandLines.length > 20, `${commandLines.length} command lines`)
  for (const { where, line } of commandLines) {
    const words = wordsOf(line).filter((word) => !/^(?:…|\.\.\.)$/.test(word))
    t.equal((await objection(words))?.message, undefined, `${where}: serin ${line}`)
  }
})

t.test('Every command that a sentence names is one that serin has.', async (t) => {
  t.ok(mentions.length > 40, `${mentions.length} mentions`)
  for (const { where, line } of mentions) {
    const words = wordsOf(line)
    const error = await objection(words.filter((word) => !/^(?:…|\.\.\.)$/.test(word)))
    const isShort = error?.code === 'commander.missingArgument'
    const isOptional = words.some((word) => PLACEHOLDER.test(word)) && error === null
    t.ok(error === null || isShort || isOptional, `${where}: serin ${line}: ${error?.message}`)
  }
})

t.test('What stands below a command in a console block is what it prints.', async (t) => {
  const blocks = fencedBlocks().filter(({ language }) => language === 'console')
  t.ok(blocks.length > 0)
  for (const { page, line, text } of blocks) {
    for (const [, command, output] of text.matchAll(/^\$ serin (.+)\n((?:(?!\$ ).*\n)*)/gm)) {
      const { exitCode, stdout, stderr } = await run(wordsOf(command!), { env: EXAMPLE_ENV })
      t.equal(exitCode, 0, stderr)
      t.equal(output, stdout, `${page}:${line}: serin ${command}`)
    }
  }
})
