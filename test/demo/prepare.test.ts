import { readFile } from 'node:fs/promises'
import t from 'tap'
import { loadCars } from '../../src/demo/cars.ts'
import { DATA_NOTICE, prepareDemo } from '../../src/demo/prepare.ts'

t.test('the build puts the data and its notice beside the demo', async (t) => {
  const folder = t.testdir()
  await prepareDemo(process.cwd(), folder)
  t.equal((await loadCars(`${folder}/cars.json`)).length, 392)
  t.equal(await readFile(`${folder}/cars.NOTICE.txt`, 'utf8'), DATA_NOTICE)
  t.match(DATA_NOTICE, /3-Clause BSD/)
})

t.test('a development dependency that is not installed fails the build', async (t) => {
  await t.rejects(prepareDemo(t.testdir(), t.testdirName), { code: 'ENOENT' })
})
