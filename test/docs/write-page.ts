// Writes the pages that are made from code: `node build/test/docs/write-page.js api` and so on.
import { writeFileSync } from 'node:fs'
import { PAGES } from './pages.ts'

for (const name of process.argv.slice(2)) {
  const page = PAGES.find((each) => each.name === name)
  if (page === undefined) throw new Error(`there is no page ${name}`)
  writeFileSync(`docs/${page.file}`, `${await page.render()}\n`)
}
