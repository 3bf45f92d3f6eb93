import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import {
  mostAdminConnections,
  mostConnections,
  openFilesWanted,
  parseOpenFilesLimit,
  readOpenFilesLimit,
} from '../../src/proxy/open-files.ts'

t.test("a file that the gateway lacks is its own fault, and none of the upstream's", async (t) => {
  const script = fileURLToPath(new URL('./out-of-files.js', import.meta.url))
  const child = spawn('sh', ['-c', 'ulimit -n 200 && exec "$0" "$@"', process.execPath, script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.same(JSON.parse(await text(child.stdout)), {
    without: [503, 'SERIN_OVERLOADED', '1'],
    after: 200,
    outcomes: ['rejected', 'ok'],
    changes: ['up null'],
    untried: 1,
  })
})

t.test('the limit of open files is the soft one of the process', (t) => {
  const limits = (soft: string) =>
    `Limit                     Soft Limit           Hard Limit           Units\nMax processes             7                    7                    processes\nMax open files            ${soft.padEnd(20)} 524288               files\n`
  t.equal(parseOpenFilesLimit(limits('1024')), 1024)
  t.equal(parseOpenFilesLimit(limits('unlimited')), null)
  const limit = readOpenFilesLimit()
  t.ok(process.platform === 'linux' ? limit === null || limit > 0 : limit === null)
  t.end()
})

t.test('clients get the files that upstreams and the gateway itself leave', (t) => {
  t.equal(openFilesWanted(4096), 9192)
  t.equal(mostConnections(65_536, 4096), 65_536 - 48 - 1_024 - 4096)
  t.equal(mostConnections(128, 4096), 32, 'half of them where there are few')
  t.equal(mostConnections(50, 4096), 1)
  t.same([null, 65_536, 4096, 50].map(mostAdminConnections), [1024, 1024, 256, 16])
  t.end()
})
