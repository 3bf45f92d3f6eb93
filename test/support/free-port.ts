import { createServer } from 'node:net'

/** Below the ports that the system gives to whoever asks for any one (Linux: from 32,768 on). */
const FIRST = 10_000
const COUNT = 20_000

/** More than a process asks for, so that suites which run side by side have ports of their own. */
const PER_PROCESS = 20

let given = 0

/**
 * A port of loopback that nobody listens on. Nobody else is given it by chance either: not before it is used, and not
 * while a server that had it is away.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + ((process.pid * PER_PROCESS + given++) % COUNT)
    if (await canListen(port)) return port
  }
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
