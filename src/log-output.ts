import { fstatSync, writeSync } from 'node:fs'
import { isatty } from 'node:tty'
import type { Logger } from 'pino'
import { createLog } from './create-log.ts'

/** Where bytes of the log end up. `done` hears of each text once, at once or later: null = it is written. */
export type LogSink = {
  readonly write: (text: string, done: (error?: Error | null) => void) => unknown
  /** What waits to be written, in bytes. */
  readonly writableLength: number
}

/** How much waits for a slow reader before lines are lost, in bytes. */
const MOST_WAITING_BYTES = 16 * 1024 * 1024

/**
 * The log's way out. A line that cannot be written (the disk is full, the reader has gone or is too slow) is lost
 * and counted: it never ends the process, nor holds it up. When lines can be written again one says first how many
 * were lost.
 */
export class LogOutput {
  readonly #sink: LogSink
  readonly #log: Logger
  #lost = 0
  #untold = 0
  #pending = 0
  #onIdle: (() => void) | null = null

  constructor(sink: LogSink) {
    this.#sink = sink
    this.#log = createLog({ write: (line) => this.#tell(line) })
  }

  /** How many lines were lost since the process began. */
  get lost(): number {
    return this.#lost
  }

  /** Writes one line or several, each with its end. */
  readonly write = (text: string): void => {
    if (this.#sink.writableLength > MOST_WAITING_BYTES) return this.#lose(countLines(text))
    if (this.#untold > 0) {
      this.#log.warn({ lost: this.#untold }, 'lines of the log could not be written and are lost')
    }
    this.#send(text, () => this.#lose(countLines(text)))
  }

  /** Resolves when nothing waits any more: all is written, or lost. */
  async settled(): Promise<void> {
    if (this.#pending > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve))
  }

  #tell(line: string): void {
    const told = this.#untold
    this.#untold = 0
    this.#send(line, () => (this.#untold += told))
  }

  #lose(lines: number): void {
    this.#lost += lines
    this.#untold += lines
  }

  #send(text: string, onLost: () => void): void {
    this.#pending++
    this.#sink.write(text, (error) => {
      if (error) onLost()
      if (--this.#pending === 0) this.#onIdle?.()
    })
  }
}

/**
 * Takes over a standard stream of the process for the log. Errors of the stream end nothing from then on: whoever
 * writes is told of them.
 */
export function openLogOutput(
  stream: LogSink & { readonly on: (event: 'error', listener: () => void) => unknown },
  fd: number,
): LogOutput {
  stream.on('error', () => {})
  return new LogOutput(
    isFile(fd) ? createFileSink((bytes, at) => writeSync(fd, bytes, at)) : stream,
  )
}

/**
 * Writes to a file at once, whole lines: of a text that the disk has taken a part of, as it does before it is full,
 * the rest is written, and what follows a line that was cut begins a new one. Node's own stream takes a part for
 * the whole. `write` is that of the system: it returns how many of the bytes from `at` on were taken, or throws.
 */
export function createFileSink(write: (bytes: Buffer, at: number) => number): LogSink {
  let isCut = false
  return {
    writableLength: 0,
    write: (text, done) => {
      const bytes = Buffer.from(isCut ? `\n${text}` : text)
      let at = 0
      try {
        while (at < bytes.length) at += write(bytes, at)
      } catch (error) {
        if (at > 0) isCut = bytes[at - 1] !== NEWLINE
        return done(error as Error)
      }
      isCut = false
      done(null)
    },
  }
}

const NEWLINE = 10

/** As Node sees it: what is neither a terminal nor a pipe is written in one go. */
function isFile(fd: number): boolean {
  const stat = fstatSync(fd)
  return stat.isFile() || (stat.isCharacterDevice() && !isatty(fd))
}

function countLines(text: string): number {
  return text.split('\n').length - 1
}
