import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { PAGES } from './pages.ts'

for (const { name, file, render } of PAGES) {
  t.test(`docs/${file} is what \`npm run docs:${name}\` writes.`, async (t) => {
    const formatted = spawnSync('node_modules/.bin/oxfmt', ['--stdin-filepath', `docs/${file}`], {
      input: `${await render()}\n`,
      encoding: 'utf8',
    })
    t.equal(formatted.status, 0, formatted.stderr)
    t.equal(readFileSync(`docs/${file}`, 'utf8'), formatted.stdout)
  })
}
