import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { TerminalScreen } from './terminal-screen.ts'

/** A program in a terminal of its own. */
export type Terminal = {
  readonly screen: TerminalScreen
  /** Presses Ctrl-C and resolves when the program has ended. */
  readonly interrupt: () => Promise<void>
}

/** Starts `serin` in a terminal (`script`, of util-linux) with colours, from what was built in `dist/`. */
export function openTerminal(
  argv: readonly string[],
  options: {
    readonly columns: number
    readonly env?: Readonly<Record<string, string>>
  },
): Terminal {
  const { columns, env = {} } = options
  const { NO_COLOR: _, ...inherited } = process.env
  const command = `stty cols ${columns} rows 60; exec ${process.execPath} dist/main.js ${argv.join(' ')}`
  const child = spawn('script', ['-qfec', command, '/dev/null'], {
    env: { ...inherited, SHELL: '/bin/sh', TERM: 'xterm', ...env },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const screen = new TerminalScreen(columns)
  child.stdout.setEncoding('utf8').on('data', (text: string) => screen.write(text))
  const ended = once(child, 'exit')
  return {
    screen,
    interrupt: async () => {
      child.stdin.write('\u0003')
      await ended
    },
  }
}
