/** Writes docs/images/: the dashboard over simulated rollouts, and the terminal at a run of the demo. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { launchBrowser, openPage } from './support/browser.ts'
import { experimented, shadowed } from './support/fixed-services.ts'
import { IDLE, PROMOTED, ROLLED_BACK, UNDER_WAY, WAITS, WATCHED } from './support/scripts.ts'
import { CURTAIN, openStage } from './support/stage.ts'
import { takeTerminalPictures } from './take-terminal-pictures.ts'

const FOLDER = join(process.cwd(), 'docs/images')

/** `part`: that alone is taken, else what a window of this size shows. */
type Picture = {
  readonly file: string
  readonly hash: string
  readonly wait: string
  readonly part?: string
  readonly click?: string
  readonly scheme?: 'light' | 'dark'
  readonly width?: number
  readonly height?: number
}

const PICTURES: readonly Picture[] = [
  { file: 'dashboard-services.png', hash: '#/', wait: 'table.overview tbody tr', height: 780 },
  {
    file: 'dashboard-service.png',
    hash: '#/services/credit-risk',
    wait: '.metric canvas',
    height: 1000,
  },
  {
    file: 'dashboard-evidence.png',
    hash: '#/services/credit-risk',
    wait: '.metric canvas',
    part: '[aria-labelledby="metric-rmse"]',
  },
  {
    file: 'dashboard-rolled-back.png',
    hash: '#/services/fraud-score',
    wait: '.metric canvas',
    part: '[aria-labelledby="metric-rmse"]',
    scheme: 'dark',
  },
  {
    file: 'dashboard-mirror.png',
    hash: '#/services/translator',
    wait: '#mirror-canary',
    part: '[aria-labelledby="mirror-canary"]',
  },
  {
    file: 'dashboard-experiment.png',
    hash: '#/services/checkout-offer',
    wait: '#comparison-b',
    part: '[aria-labelledby="comparison-b"]',
    scheme: 'dark',
  },
  {
    file: 'dashboard-abort.png',
    hash: '#/services/credit-risk',
    wait: '.metric canvas',
    click: 'Abort',
    width: 1200,
    height: 640,
  },
  {
    file: 'dashboard-narrow.png',
    hash: '#/services/credit-risk',
    wait: '.metric canvas',
    width: 360,
    height: 780,
  },
]

mkdirSync(FOLDER, { recursive: true })
const stage = await openStage({
  scripts: [UNDER_WAY, ROLLED_BACK, WAITS, WATCHED, PROMOTED, IDLE],
  others: () => [shadowed(CURTAIN), experimented()],
})
const browser = await launchBrowser()
try {
  for (const picture of PICTURES) {
    const { file, hash, wait, part, click, ...size } = picture
    const { page } = await openPage(browser, `${stage.url}${hash}`, { ...size, now: stage.now() })
    await page.locator(wait).first().waitFor()
    await page.locator('.link-live').waitFor()
    if (click !== undefined) {
      await page.getByRole('button', { name: click }).click()
      await page.getByLabel('Reason').fill('complaints from the claims desk')
    }
    const path = join(FOLDER, file)
    if (part === undefined) await page.screenshot({ path })
    else await page.locator(part).screenshot({ path })
    await page.context().close()
  }
  await takeTerminalPictures(browser, FOLDER)
} finally {
  await browser.close()
  await stage.close()
}
