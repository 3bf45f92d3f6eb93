import t from 'tap'
import { NOT_SUPPORTED } from '../../src/config/not-supported.ts'
import { file, problemsOf } from './problems-of.ts'

/** For each part that is not built: files that ask for it, and files whose values need nothing new. */
const CASES: Readonly<Record<string, { readonly no: readonly string[]; readonly yes?: string[] }>> =
  {
    'gateway.workers': {
      no: [file({ gateway: ', workers: 2' }), file({ gateway: ', workers: auto' })],
      yes: [file({ gateway: ', workers: 1' })],
    },
  }

t.same(
  Object.keys(CASES),
  NOT_SUPPORTED.map(({ path }) => path),
  'every part that is not built has a case',
)

for (const { path, what } of NOT_SUPPORTED) {
  t.test(`${path} is refused by name as not supported yet`, (t) => {
    const { no, yes = [] } = CASES[path]!
    for (const text of no) {
      const problems = problemsOf(text)
      t.equal(problems.length, 1, problems.join('\n'))
      t.match(problems[0], `: not supported yet: ${what}`)
    }
    for (const text of yes) t.same(problemsOf(text), [])
    t.end()
  })
}

t.test('a value that is none is refused as that alone', (t) => {
  t.match(problemsOf(file({ gateway: ', workers: 0' })), [/gateway.workers: found 0, allowed is/])
  t.end()
})
