import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { until } from '../e2e/support/until.ts'
import { openTerminal } from './support/terminal.ts'
import type { TerminalScreen } from './support/terminal-screen.ts'

const DEMO = 'demo --quick --keep --seed 7'
const WATCH = 'status mpg-skewed --watch'
/** For a demo, which takes a minute. */
const PATIENCE_MS = 150_000

/** Runs the demo, tries its bad canary once more, and takes pictures of what the terminals show of it. */
export async function takeTerminalPictures(browser: Browser, folder: string): Promise<void> {
  const place = mkdtempSync(join(tmpdir(), 'serin-pictures-'))
  const demo = openTerminal(DEMO.split(' '), { columns: 80, env: { TMPDIR: place } })
  try {
    const admin = await until(
      'the end of the demo',
      () => /SERIN_ADMIN=(\S+)/.exec(demo.screen.lines.join('\n'))?.[1] ?? null,
      PATIENCE_MS,
    )
    const { lines } = demo.screen
    const [from, to] = ['✓ mpg-skewed', 'All 2 rollouts'].map((beginning) =>
      lines.findIndex((line) => line.startsWith(beginning)),
    )
    await take(browser, join(folder, 'terminal-demo.png'), demo.screen, {
      ...{ typed: `serin ${DEMO}`, columns: 80, rows: [from!, to! + 1] },
    })
    const env = { SERIN_ADMIN: admin }
    const again = openTerminal(['retry', 'mpg-skewed', '--force'], { columns: 80, env })
    await until('another attempt', () => again.screen.lines.join('').includes('(retry)'))
    const watch = openTerminal(WATCH.split(' '), { columns: 80, env })
    const isOver = () => {
      const seen = watch.screen.lines.join('\n')
      return (
        /^mpg-skewed {2}rolled-back {2}1\.4->2\.0#2/m.test(seen) && /rollback {2}Rolled/.test(seen)
      )
    }
    await until('its rollback', isOver, PATIENCE_MS).catch((error: unknown) => {
      throw new Error(`the watch shows:\n${watch.screen.lines.join('\n')}`, { cause: error })
    })
    await watch.interrupt()
    const rows = [0, watch.screen.lines.findLastIndex((line) => /^ {2}#\d/.test(line)) + 1] as const
    await take(browser, join(folder, 'terminal-watch.png'), watch.screen, {
      ...{ typed: `serin ${WATCH}`, columns: 80, rows },
    })
  } finally {
    await demo.interrupt()
    rmSync(place, { recursive: true, force: true })
  }
}

async function take(
  browser: Browser,
  path: string,
  screen: TerminalScreen,
  shown: { readonly typed: string; readonly columns: number; readonly rows: readonly number[] },
): Promise<void> {
  const { typed, columns, rows } = shown
  // What is left out above is no secret.
  const before = rows[0] === 0 ? '' : '…\n'
  const context = await browser.newContext({ deviceScaleFactor: 2 })
  const page = await context.newPage()
  const [from, to] = rows as [number, number]
  await page.setContent(
    `<style>${STYLE}</style><pre style="width: ${columns}ch"><span class="dim">$</span> ${typed}\n${before}${screen.toHtml(from, to)}</pre>`,
  )
  await page.locator('pre').screenshot({ path, omitBackground: true })
  await context.close()
}

const STYLE = `
pre {
  font: 14px/1.3 'DejaVu Sans Mono', monospace;
  color: #d8dce3;
  background: #1c1f26;
  border-radius: 8px;
  padding: 14px 18px;
  box-sizing: content-box;
}
.bold { font-weight: bold; }
.dim { color: #8b93a1; }
.green { color: #7bcf8b; }
.red { color: #ff8078; }
`
