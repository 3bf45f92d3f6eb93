import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Test } from 'tap'
import { parse } from 'yaml'
import { startSerin, writeConfig, type SerinGateway } from './serin-process.ts'

type Parts = Record<string, unknown>

/**
 * Starts a file of `config/examples` as it stands, but for its ports, its store, its upstreams (by the port
 * that the file has) and, of its one service, the analysis, the rollout and the key.
 */
export async function startExample(
  t: Test,
  name: string,
  change: {
    readonly upstreams: Readonly<Record<number, string>>
    readonly key?: string
    /** Given the analysis of the file. */
    readonly analysis?: (of: Parts & { metrics: Record<string, Parts> }) => Parts
    /** Given the rollout of the file. */
    readonly rollout?: (of: Parts & { steps: readonly Parts[] }) => Parts
  },
): Promise<SerinGateway> {
  const folder = t.testdir({})
  let text = readFileSync(join('config/examples', name), 'utf8')
  for (const [port, origin] of Object.entries(change.upstreams)) {
    text = text.replaceAll(`http://127.0.0.1:${port}`, origin)
  }
  const config = parse(text) as Parts & { services: Record<string, Record<string, Parts>> }
  const [service] = Object.values(config.services)
  if (change.key !== undefined) service!['split']!['key'] = change.key
  if (change.analysis !== undefined) {
    service!['analysis'] = change.analysis(service!['analysis'] as never)
  }
  if (change.rollout !== undefined) {
    service!['rollout'] = change.rollout(service!['rollout'] as never)
  }
  const ports = { gateway: { listen: '127.0.0.1:0' }, admin: { listen: '127.0.0.1:0' } }
  const store = `lmdb:${join(folder, 'data')}`
  return startSerin(t, writeConfig(folder, { ...config, ...ports, store }))
}
