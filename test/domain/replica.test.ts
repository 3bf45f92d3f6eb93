import t from 'tap'
import { describeProcess } from '../../src/domain/replica.ts'

t.test('a process is told by its host and its number, whatever else its name has', async (t) => {
  t.equal(describeProcess('gw-2.example:4711:0a1b2c3d'), 'process 4711 on gw-2.example')
  t.equal(describeProcess('p1'), 'p1')
})
