import { createServer } from 'node:net'

/** Below those that the system gives to whoever asks for any (on Linux from 32768 on). */
const FIRST = 20_000
const COUNT = 12_000
/** A process gets so many in a row before it meets those of the next one. */
const PER_PROCESS = 16

let given = 0

/**
 * A port of loopback that nobody listens on, for a server that has to be known before it runs, or comes back where
 * it was: no process that asks for any port is given it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + ((process.pid * PER_PROCESS + given++) % COUNT)
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
