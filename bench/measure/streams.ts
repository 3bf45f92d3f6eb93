import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Contender } from '../contenders.ts'
import { readFamilyUsage } from '../process-family.ts'
import type { Streams } from '../report/figures.ts'
import { spread } from '../spread.ts'
import { openStage, type Running, type StageDeps } from '../stage.ts'
import { findWork, requestBody, TARGET_PATH } from '../works.ts'

const WORK = findWork('sse')
/** An event a second, for longer than anybody looks. */
const QUERY = 'events=3600&everyMs=1000'
const OPEN_WITHIN_MS = 30_000

/**
 * Memory of open event streams: resident memory of a fresh process that has been warmed up, without and
 * with `streams` streams on which events arrive. Each contender `rounds` times, each time alone.
 */
export async function measureStreams(
  deps: StageDeps,
  contenders: readonly Contender[],
  { rounds, streams }: { readonly rounds: number; readonly streams: number },
  say: (line: string) => void,
): Promise<Record<string, Streams>> {
  const found: Record<string, Streams> = {}
  for (const contender of contenders) {
    const runs: { idleBytes: number; openBytes: number }[] = []
    for (let round = 1; round <= rounds; round += 1) {
      const stage = await openStage(deps, [contender], WORK)
      try {
        await stage.warmUp(WORK.warmUpRequests)
        runs.push(await holdStreams(stage.running[0]!, streams))
      } finally {
        await stage.close()
      }
    }
    const perStream = spread(runs.map((run) => (run.openBytes - run.idleBytes) / streams / 1024))
    found[contender.name] = {
      streams,
      idleMiB: spread(runs.map((run) => run.idleBytes / 2 ** 20)).median,
      openMiB: spread(runs.map((run) => run.openBytes / 2 ** 20)).median,
      kibPerStream: perStream,
    }
    say(`streams  ${contender.name}: ${perStream.median.toFixed(1)} KiB each`)
  }
  return found
}

async function holdStreams({ pid, port }: Running, count: number) {
  await sleep(1000)
  const idleBytes = await restingBytes(pid)
  const sockets: Socket[] = []
  try {
    const events = new Map<Socket, number>()
    let failure: Error | null = null
    for (let i = 0; i < count; i += 1) {
      const socket = connect({ host: '127.0.0.1', port })
      sockets.push(socket)
      events.set(socket, 0)
      socket.on('data', (chunk) => {
        const text = chunk.toString('latin1')
        if (text.startsWith('HTTP/') && !text.startsWith('HTTP/1.1 200')) {
          failure ??= new Error(`a stream began with ${text.slice(0, 60)}`)
        }
        events.set(socket, events.get(socket)! + (text.match(/data: /g)?.length ?? 0))
      })
      socket.on('error', (error) => (failure ??= error))
      socket.on('end', () => (failure ??= new Error('a stream ended')))
      await once(socket, 'connect')
      socket.write(request(i))
    }
    // The third event: all streams are open, and stay so.
    const deadline = Date.now() + OPEN_WITHIN_MS
    while (failure === null && [...events.values()].some((seen) => seen < 3)) {
      if (Date.now() > deadline) throw new Error('not all streams brought three events within 30 s')
      await sleep(100)
    }
    const openBytes = await restingBytes(pid)
    if (failure !== null) throw failure as Error
    return { idleBytes, openBytes }
  } finally {
    for (const socket of sockets) socket.destroy()
  }
}

/** The median of some looks, since garbage comes and goes. */
async function restingBytes(pid: number): Promise<number> {
  const looks: number[] = []
  for (let i = 0; i < 10; i += 1) {
    looks.push(readFamilyUsage(pid).rssBytes)
    await sleep(200)
  }
  return spread(looks).median
}

function request(i: number): string {
  const body = requestBody(WORK)
  const head = `POST ${TARGET_PATH}?${QUERY} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json`
  return `${head}\r\nX-User-Id: user-${i}\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}
