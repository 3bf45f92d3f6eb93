import { createReadStream } from 'node:fs'
import type { Command } from 'commander'
import type { FeedbackReport } from '../admin/admin-deps.ts'
import { formatCount } from '../rollout/format.ts'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'

/** Characters of one post: well below the API's limit, and short enough not to hold up the gateway. */
const BATCH_CHARS = 256 * 1024
/** How many rejected lines are printed one by one. */
const SHOWN = 20

/** Adds `serin feedback <file.ndjson | ->`: posts labels, one JSON object a line, in batches. */
export function addFeedbackCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('feedback')
      .description('post labels and events: one JSON object a line')
      .argument('<file>', 'a file, or - for the standard input'),
  ).action(async (file: string, options: ReadOptions) => {
    const report = await withClient(io, options, (client) => post(io, client, file))
    if (options.output === 'json') writeJson(io, report)
    else io.stdout.write(render(report))
    if (report.rejected.length > 0) throw new CliExit(EXIT.badInput)
  })
}

async function post(io: CliIo, client: AdminClient, file: string): Promise<FeedbackReport> {
  const total = { joined: 0, unmatched: 0, late: 0, duplicate: 0 }
  const rejected: { readonly line: number; readonly error: string }[] = []
  let batch: string[] = []
  let chars = 0
  let sent = 0

  const flush = async (): Promise<void> => {
    const lines = batch
    batch = []
    chars = 0
    // A stretch of empty lines holds nothing to send, and the API refuses an empty body.
    if (lines.some((line) => line.trim() !== '')) {
      const report = await client.feedback(`${lines.join('\n')}\n`).catch((error: unknown) => {
        if (!(error instanceof CliExit)) throw error
        throw new CliExit(error.exitCode, `${error.message} (${sent} lines were sent before)`)
      })
      total.joined += report.joined
      total.unmatched += report.unmatched
      total.late += report.late
      total.duplicate += report.duplicate
      rejected.push(...report.rejected.map(({ line, error }) => ({ line: line + sent, error })))
    }
    sent += lines.length
  }

  for await (const line of readLines(io, file)) {
    batch.push(line)
    chars += line.length
    if (chars >= BATCH_CHARS) await flush()
  }
  await flush()
  return { ...total, rejected }
}

async function* readLines(io: CliIo, file: string): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for await (const chunk of file === '-' ? io.stdin : createReadStream(file)) {
      rest += typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true })
      const lines = rest.split(/\r?\n/)
      rest = lines.pop()!
      yield* lines
    }
  } catch (error) {
    throw new CliExit(EXIT.badInput, `cannot read ${file}: ${(error as Error).message}`)
  }
  if (rest !== '') yield rest
}

function render(report: FeedbackReport): string {
  const { joined, unmatched, late, duplicate, rejected } = report
  const counts = Object.entries({ joined, unmatched, late, duplicate, rejected: rejected.length })
  const more = rejected.length - SHOWN
  return [
    counts.map(([name, count]) => `${name} ${formatCount(count)}`).join(', '),
    ...rejected.slice(0, SHOWN).map(({ line, error }) => `  line ${line}: ${error}`),
    ...(more > 0 ? [`  … and ${formatCount(more)} more`] : []),
    '',
  ].join('\n')
}
