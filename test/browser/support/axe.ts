import axe from 'axe-core'
import type { Page } from 'playwright-core'

/** What is wrong with a page for those who do not see it, or not well: everything serious or critical. */
export async function findFaults(page: Page): Promise<readonly string[]> {
  // By the debugger, which the page's policy does not stop: no script of ours is part of the page.
  if (!(await page.evaluate<boolean>("'axe' in window"))) await page.evaluate(axe.source)
  const { violations } = await page.evaluate<{ violations: axe.Result[] }>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`)
}
