import t from 'tap'
import { adminOfProcess, describeProcess, nameProcess } from '../../src/domain/process-name.ts'

const named = (host: string, port = 9090) =>
  nameProcess({ host: 'gw-2.example', pid: 4711, id: '0a1b2c3d', admin: { host, port } })

t.test('a process is told by its host and its number, whatever else its name has', async (t) => {
  t.equal(describeProcess('gw-2.example:4711:0a1b2c3d'), 'process 4711 on gw-2.example')
  t.equal(describeProcess(named('10.0.0.7')), 'process 4711 on gw-2.example')
  t.equal(describeProcess('p1'), 'p1')
})

t.test('the name of a process says where its operators are answered', async (t) => {
  const at = (origin: string, onHost: string | null = null) => ({ origin, onHost })
  t.same(adminOfProcess(named('10.0.0.7')), at('http://10.0.0.7:9090'))
  t.same(adminOfProcess(named('fd00::7')), at('http://[fd00::7]:9090'))
  t.same(adminOfProcess(named('0.0.0.0')), at('http://gw-2.example:9090'), 'on all addresses')
  t.same(adminOfProcess(named('::')), at('http://gw-2.example:9090'))
  for (const [host, shown] of [
    ['127.0.0.1', '127.0.0.1'],
    ['localhost', 'localhost'],
    ['::1', '[::1]'],
  ] as const) {
    t.same(adminOfProcess(named(host)), at(`http://${shown}:9090`, 'gw-2.example'), host)
  }
})

t.test('where it is not known, nothing is said of it', async (t) => {
  t.equal(named('10.0.0.7', 0), 'gw-2.example:4711:0a1b2c3d', 'any port that is free')
  t.equal(adminOfProcess(named('10.0.0.7', 0)), null)
  t.equal(adminOfProcess('p1'), null)
  t.equal(adminOfProcess('gw:1:a@%E0%A4%A'), null, 'no escape of anything')
  t.equal(adminOfProcess('gw:1:a@x%3A1%60%20%0A'), null, 'no address')
})

t.test('earlier versions read the host and the number of a name with an address', async (t) => {
  // As they did it.
  const [, host, pid] = /^(.+):(\d+):[^:]*$/.exec(named('fd00::7'))!
  t.same([host, pid], ['gw-2.example', '4711'])
})
