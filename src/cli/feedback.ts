import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Command } from 'commander'
import type { FeedbackReport } from '../admin/admin-deps.ts'
import { MAX_FEEDBACK_LINES, MAX_LINE_CHARS } from '../feedback/parse.ts'
import { formatCount } from '../rollout/format.ts'
import type { AdminClient } from './admin-client.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import { addReadOptions, withClient, writeJson, type ReadOptions } from './command-options.ts'
import { drawBar } from './gauge.ts'
import { createProgressLine, describeRest } from './progress-line.ts'
import { readLines } from './read-lines.ts'

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
    warnOfNothing(io, report)
    warnOfUnmatched(io, report)
    if (report.rejected.length > 0) throw new CliExit(EXIT.badInput)
  })
}

// A query that found nothing, say.
function warnOfNothing(
  io: CliIo,
  { joined, unmatched, late, duplicate, rejected }: FeedbackReport,
) {
  if (joined + unmatched + late + duplicate + rejected.length === 0)
    io.stderr.write('serin: there was no line in it, so nothing was sent\n')
}

// Most often all lines have ids that are not the gateway's, and nothing else would say so.
function warnOfUnmatched(io: CliIo, report: FeedbackReport): void {
  const { joined, unmatched, late, duplicate } = report
  if (unmatched === 0 || joined + late + duplicate > 0) return
  const ids = "the id of a request is its answer's x-request-id, a key is that of split.key"
  const whose = unmatched === 1 ? 'the line' : `these ${formatCount(unmatched)} lines`
  const counts = unmatched === 1 ? 'it does not count' : 'none of them counts'
  io.stderr.write(`serin: nobody knows a request or a key of ${whose}, so ${counts} (${ids})\n`)
}

async function post(io: CliIo, client: AdminClient, file: string): Promise<FeedbackReport> {
  const total = { joined: 0, unmatched: 0, late: 0, duplicate: 0, unscored: 0 }
  const rejected: { readonly line: number; readonly error: string }[] = []
  let batch: string[] = []
  let chars = 0
  let sent = 0
  const bytes = await sizeOf(file)
  let sentChars = 0
  const startedAt = io.clock.monotonic()
  const progress = createProgressLine(io.stderr, io.clock)

  const flush = async (): Promise<void> => {
    const lines = batch
    sentChars += chars + lines.length
    batch = []
    chars = 0
    // A stretch of empty lines holds nothing to send, and the API refuses an empty body.
    if (lines.some((line) => line.trim() !== '')) {
      const report = await client.feedback(`${lines.join('\n')}\n`).catch((error: unknown) => {
        if (!(error instanceof CliExit)) throw error
        throw new CliExit(
          error.exitCode,
          `${error.message} (${sent} lines were sent before)`,
          error.problem,
        )
      })
      total.joined += report.joined
      total.unmatched += report.unmatched
      total.late += report.late
      total.duplicate += report.duplicate
      total.unscored += report.unscored
      rejected.push(...report.rejected.map(({ line, error }) => ({ line: line + sent, error })))
    }
    sent += lines.length
    progress.show(() => {
      const seconds = (io.clock.monotonic() - startedAt) / 1000
      // Characters for bytes: in a file of JSON they are nearly the same.
      return describeProgress(sent, seconds, bytes === null ? null : Math.min(1, sentChars / bytes))
    })
  }

  try {
    for await (const line of linesOf(io, file)) {
      batch.push(line)
      chars += line.length
      if (chars >= BATCH_CHARS || batch.length === MAX_FEEDBACK_LINES) await flush()
    }
    await flush()
  } finally {
    progress.clear()
  }
  return { ...total, rejected }
}

/** Null: not known, as of what comes through a pipe. */
async function sizeOf(file: string): Promise<number | null> {
  if (file === '-') return null
  // A file that is not there is told by whoever reads it.
  const found = await stat(file).catch(() => null)
  return found?.isFile() === true ? found.size : null
}

function describeProgress(lines: number, seconds: number, share: number | null): string {
  const rate = seconds === 0 ? '' : `, ${formatCount(Math.round(lines / seconds))} lines/s`
  if (share === null || share === 0) return `${formatCount(lines)} lines${rate}`
  const done = `${drawBar(share, 20)} ${Math.floor(share * 100)} %, ${formatCount(lines)} lines${rate}`
  return `${done}, ${describeRest(share, seconds)}`
}

async function* linesOf(io: CliIo, file: string): AsyncGenerator<string> {
  try {
    const bytes = file === '-' ? io.stdin : createReadStream(file)
    yield* readLines(refuseOtherForms(bytes, file), MAX_LINE_CHARS)
  } catch (error) {
    if (error instanceof CliExit) throw error
    throw new CliExit(EXIT.badInput, explainRead(file, error as NodeJS.ErrnoException))
  }
}

/** The first bytes of what is no text in UTF-8, and the command that makes it one. */
const OTHER_FORMS = [
  { begins: [0x1f, 0x8b], what: 'compressed (gzip)', command: 'gunzip -c' },
  { begins: [0x28, 0xb5, 0x2f, 0xfd], what: 'compressed (zstd)', command: 'zstd -dc' },
  { begins: [0xff, 0xfe], what: 'UTF-16', command: 'iconv -f UTF-16 -t UTF-8' },
  { begins: [0xfe, 0xff], what: 'UTF-16', command: 'iconv -f UTF-16 -t UTF-8' },
] as const

/** Of such a file each line would be rejected, one by one. */
async function* refuseOtherForms(
  chunks: AsyncIterable<string | Uint8Array>,
  file: string,
): AsyncGenerator<string | Uint8Array> {
  let isFirst = true
  for await (const chunk of chunks) {
    const form = isFirst
      ? OTHER_FORMS.find(({ begins }) => begins.every((byte, i) => chunk[i] === byte))
      : undefined
    if (form !== undefined) {
      const name = file === '-' ? 'the standard input' : file
      const from = file === '-' ? 'FILE' : file
      throw new CliExit(
        EXIT.badInput,
        `${name} is ${form.what}, and nothing of it was sent: ${form.command} ${from} | serin feedback -`,
      )
    }
    isFirst = false
    yield chunk
  }
}

function explainRead(file: string, { code, message }: NodeJS.ErrnoException): string {
  const why =
    code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : message
  return `cannot read ${file}: ${why}; give a file with one JSON object a line, or - for the standard input`
}

function render(report: FeedbackReport): string {
  const { joined, unmatched, late, duplicate, unscored, rejected } = report
  const counts = Object.entries({ joined, unmatched, late, duplicate, rejected: rejected.length })
  const more = rejected.length - SHOWN
  return [
    counts.map(([name, count]) => `${name} ${formatCount(count)}`).join(', '),
    ...(unscored === 0
      ? []
      : [
          `  ${formatCount(unscored)} labels cannot be scored by a metric: serin status says which`,
        ]),
    ...rejected.slice(0, SHOWN).map(({ line, error }) => `  line ${line}: ${error}`),
    ...(more > 0 ? [`  … and ${formatCount(more)} more`] : []),
    '',
  ].join('\n')
}
