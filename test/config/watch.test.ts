import { renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { watchFile } from '../../src/config/watch.ts'

// A watch keeps no process alive, so the test must.
const alive = setInterval(() => {}, 60_000)
t.teardown(() => clearInterval(alive))

/** A watched file: `changed()` resolves at the next change that is reported. */
function watched(t: Test, file: string, debounceMs = 5) {
  let count = 0
  let wake = () => {}
  const watching = watchFile(file, {
    debounceMs,
    onChange: () => {
      count += 1
      wake()
    },
    onError: (error) => t.fail(error.message),
  })
  t.teardown(() => watching.close())
  return {
    close: () => watching.close(),
    count: () => count,
    changed: () => new Promise<void>((resolve) => (wake = resolve)),
  }
}

t.test('a file that is written in place or replaced by a rename is reported', async (t) => {
  const folder = t.testdir({ 'serin.yaml': 'a' })
  const file = `${folder}/serin.yaml`
  const watching = watched(t, file)

  let change = watching.changed()
  writeFileSync(file, 'in place')
  await change

  change = watching.changed()
  writeFileSync(`${folder}/.serin.yaml.swp`, 'by an editor')
  renameSync(`${folder}/.serin.yaml.swp`, file)
  await change

  change = watching.changed()
  rmSync(file)
  writeFileSync(file, 'made anew')
  await change
})

t.test('a swapped link of a ConfigMap is reported', async (t) => {
  const folder = t.testdir({ v1: { 'serin.yaml': 'one' }, v2: { 'serin.yaml': 'two' } })
  symlinkSync('v1', `${folder}/..data`)
  symlinkSync('..data/serin.yaml', `${folder}/serin.yaml`)
  const watching = watched(t, `${folder}/serin.yaml`)

  const change = watching.changed()
  symlinkSync('v2', `${folder}/..data_tmp`)
  renameSync(`${folder}/..data_tmp`, `${folder}/..data`)
  await change
})

t.test('the target of a link is watched where it is, after a swap too', async (t) => {
  const folder = t.testdir({ here: {}, there: { 'a.yaml': 'a' }, elsewhere: { 'a.yaml': 'b' } })
  const file = `${folder}/here/serin.yaml`
  symlinkSync('../there/a.yaml', file)
  const watching = watched(t, file)

  let change = watching.changed()
  writeFileSync(`${folder}/there/a.yaml`, 'changed')
  await change

  change = watching.changed()
  rmSync(file)
  symlinkSync('../elsewhere/a.yaml', file)
  await change

  change = watching.changed()
  writeFileSync(`${folder}/elsewhere/a.yaml`, 'changed too')
  await change
})

t.test(
  'another file in the folder is no change, and nothing is reported after close',
  async (t) => {
    const folder = t.testdir({ 'serin.yaml': 'a', 'other.yaml': 'a' })
    const file = `${folder}/serin.yaml`
    const closed = watched(t, file)
    const open = watched(t, file)
    const other = watched(t, `${folder}/other.yaml`)

    let change = other.changed()
    writeFileSync(`${folder}/other.yaml`, 'changed')
    await change
    closed.close()
    change = open.changed()
    writeFileSync(file, 'changed')
    closed.close()
    await change

    t.equal(closed.count(), 0, 'closed before the change, and closing twice is fine')
    t.equal(other.count(), 1)
    t.equal(open.count(), 1)
  },
)

t.test(
  'a change is reported while another file of the folder is written all the time',
  async (t) => {
    const folder = t.testdir({
      'serin.yaml': 'a',
      v1: { 'a.yaml': 'one' },
      v2: { 'a.yaml': 'two' },
    })
    symlinkSync('v1', `${folder}/..data`)
    symlinkSync('..data/a.yaml', `${folder}/a.yaml`)
    const plain = watched(t, `${folder}/serin.yaml`, 100)
    const linked = watched(t, `${folder}/a.yaml`, 100)
    let lines = 0
    const log = setInterval(() => writeFileSync(`${folder}/serin.log`, `${lines++}`), 1)
    t.teardown(() => clearInterval(log))
    for (const content of ['b', 'c']) {
      const change = plain.changed()
      writeFileSync(`${folder}/serin.yaml`, content)
      await change
    }
    const change = linked.changed()
    symlinkSync('v2', `${folder}/..data_tmp`)
    renameSync(`${folder}/..data_tmp`, `${folder}/..data`)
    await change
    clearInterval(log)
    t.equal(plain.count(), 2)
    t.equal(linked.count(), 1)
  },
)

t.test('a file that appears later is reported then', async (t) => {
  const folder = t.testdir({})
  const watching = watched(t, `${folder}/serin.yaml`)
  const change = watching.changed()
  writeFileSync(`${folder}/serin.yaml`, 'here')
  await change
})

t.test('a burst of changes is reported once', async (t) => {
  const folder = t.testdir({ 'serin.yaml': 'a' })
  const file = `${folder}/serin.yaml`
  const watching = watched(t, file)
  const change = watching.changed()
  for (let i = 0; i < 20; i += 1) writeFileSync(file, `change ${i}`)
  await change
  t.equal(watching.count(), 1)
})

t.test('a folder that is not there is an error at once', (t) => {
  const folder = t.testdir({})
  const options = { debounceMs: 1, onChange: () => {}, onError: () => {} }
  t.throws(() => watchFile(`${folder}/absent/serin.yaml`, options), { code: 'ENOENT' })
  t.end()
})

t.test('a file that cannot be looked at is told', async (t) => {
  const folder = t.testdir({ 'serin.yaml': 'a' })
  const file = `${folder}/serin.yaml`
  let count = 0
  const error = new Promise<Error>((resolve) => {
    const onError = (told: Error) => {
      count++
      resolve(told)
    }
    const options = { debounceMs: 1, onChange: () => t.fail('changed'), onError }
    const watching = watchFile(file, options)
    t.teardown(() => watching.close())
  })
  // A link that points at itself: neither there nor away.
  rmSync(file)
  symlinkSync('serin.yaml', file)
  t.match(await error, { code: 'ELOOP' })
  const other = watched(t, `${folder}/other.yaml`)
  for (const content of ['b', 'c']) {
    const change = other.changed()
    writeFileSync(`${folder}/other.yaml`, content)
    await change
  }
  t.equal(count, 1, 'once')
})
