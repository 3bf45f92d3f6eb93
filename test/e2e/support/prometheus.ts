import type { Test } from 'tap'
import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '../../support/free-port.ts'

/** A Prometheus whose address is known before it runs. */
export type Prometheus = {
  readonly origin: string
  /** Starts it, scraping this gateway each second, with these rules; gives its address. */
  readonly scrape: (admin: string, rules?: readonly string[]) => Promise<string>
  /** Kills it. */
  readonly stop: () => Promise<void>
}

/** Finds a place for a Prometheus that keeps its files in `folder`, and that the test ends. */
export async function startPrometheus(t: Test, folder: string): Promise<Prometheus> {
  const address = `127.0.0.1:${await freePort()}`
  const origin = `http://${address}`
  let stop = () => Promise.resolve()
  return {
    origin,
    stop: () => stop(),
    scrape: async (admin, rules = []) => {
      const config = {
        global: { scrape_interval: '1s', evaluation_interval: '1s' },
        rule_files: rules,
        scrape_configs: [
          { job_name: 'serin', static_configs: [{ targets: [new URL(admin).host] }] },
        ],
      }
      writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
      const child = spawn(
        'prometheus',
        [
          `--config.file=${join(folder, 'prometheus.yml')}`,
          `--storage.tsdb.path=${join(folder, 'tsdb')}`,
          `--web.listen-address=${address}`,
        ],
        { stdio: 'ignore' },
      )
      const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
      stop = async () => {
        child.kill('SIGKILL')
        await ended
      }
      t.teardown(stop)
      return origin
    },
  }
}
