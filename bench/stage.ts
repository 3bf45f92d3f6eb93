import type { ChildProcess } from 'node:child_process'
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Contender } from './contenders.ts'
import { freePort } from './free-port.ts'
import { driveClosedLoop, type LoadResult } from './load/closed-loop.ts'
import type { Processes } from './processes.ts'
import { nginxUpstreamConfig } from './server-configs.ts'
import { startServer } from './start-server.ts'
import { answerBody, requestBody, type Work } from './works.ts'

/** The core of the contenders, and that of the load and the upstream. */
export const CONTENDER_CORE = 0
export const LOAD_CORE = 1
const BOTH_CORES = [CONTENDER_CORE, LOAD_CORE]

/** Longest answer that stands in nginx's configuration. */
const LONGEST_NGINX_ANSWER = 2048

/** A contender that runs. */
export type Running = {
  readonly contender: Contender
  readonly pid: number
  readonly port: number
  readonly adminPort: number
}

/** Contenders side by side in front of one upstream, all of them alive until `close()`. */
export type Stage = {
  readonly upstreamPort: number
  /** In the order of the contenders that were asked for. */
  readonly running: readonly Running[]
  /** One burst of a closed loop. `idPrefix` begins the ids of its requests. */
  readonly burst: (running: Running, seconds: number, idPrefix: string) => Promise<LoadResult>
  /** Answers at least `requests` with each contender. */
  readonly warmUp: (requests: number) => Promise<void>
  readonly close: () => Promise<void>
}

/** What all stages of a run have in common. */
export type StageDeps = {
  readonly processes: Processes
  readonly root: string
  /** A folder that is deleted after the run. */
  readonly scratch: string
}

/** Starts an upstream and the contenders in front of it. @throws when one does not answer as it should */
export async function openStage(
  { processes, root, scratch }: StageDeps,
  contenders: readonly Contender[],
  work: Work,
): Promise<Stage> {
  const folder = mkdtempSync(join(scratch, 'stage-'))
  const bodyFile = join(folder, 'request.json')
  writeFileSync(bodyFile, requestBody(work))
  const upstreamPort = await freePort()
  const upstream = await startServer(
    processes,
    { command: upstreamCommand(folder, upstreamPort, work), core: LOAD_CORE },
    { port: upstreamPort, work, marker: null },
  )
  const children: ChildProcess[] = [upstream]
  const running: Running[] = []
  for (const contender of contenders) {
    const place = { root, port: await freePort(), adminPort: await freePort(), upstreamPort, work }
    const own = mkdtempSync(join(folder, 'contender-'))
    const { command, env, files } = contender.start({ ...place, scratch: own })
    for (const [name, text] of Object.entries(files ?? {})) writeFileSync(join(own, name), text)
    const child = await startServer(
      processes,
      {
        command,
        core: contender.onBothCores === true ? BOTH_CORES : CONTENDER_CORE,
        env: env ?? {},
      },
      { port: place.port, work, marker: contender.marker ?? null },
    )
    children.push(child)
    running.push({ contender, pid: child.pid!, port: place.port, adminPort: place.adminPort })
  }
  const burst: Stage['burst'] = async ({ port, contender }, seconds, idPrefix) => {
    const load = {
      work,
      core: LOAD_CORE,
      script: join(root, 'bench/load/post.lua'),
      bodyFile,
      seconds,
      services: contender.services ?? 1,
      idPrefix,
    }
    try {
      return await driveClosedLoop(processes, port, load)
    } catch (error) {
      throw new Error(`${contender.name} failed under load`, { cause: error })
    }
  }
  return {
    upstreamPort,
    running,
    burst,
    warmUp: async (requests) => {
      for (const one of running) {
        for (let done = 0; done < requests;) {
          done += (await burst(one, 1, `warm-up-${done}-`)).requests
        }
      }
    },
    close: async () => {
      await Promise.all(children.map((child) => processes.stop(child)))
    },
  }
}

/** nginx answers what fits into its configuration, Node the rest. */
function upstreamCommand(folder: string, port: number, work: Work): readonly string[] {
  if (work.stream !== null || work.answerBytes > LONGEST_NGINX_ANSWER) {
    const script = fileURLToPath(new URL('./load/upstream.js', import.meta.url))
    return [process.execPath, script, String(port), work.name]
  }
  const own = join(folder, 'upstream')
  mkdirSync(own)
  writeFileSync(join(own, 'nginx.conf'), nginxUpstreamConfig(port, answerBody(work)))
  return ['nginx', '-p', own, '-c', join(own, 'nginx.conf')]
}
