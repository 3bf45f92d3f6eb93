import type { Test } from 'tap'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'

/** A page and what went wrong in it. */
export type Watched = {
  readonly page: Page
  /** Errors of scripts, and what the content security policy refused. */
  readonly faults: string[]
}

/** Starts the Chromium of this machine, without a window. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    // In a container there is no sandbox to be had, and pages of this test alone are opened.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })
}

/** How a page is looked at. */
type Look = {
  readonly width?: number
  readonly height?: number
  readonly scheme?: 'light' | 'dark'
  readonly scale?: number
}

/** Opens a page whose clock shows `now` in a window of its own, and notes what goes wrong in it. */
export async function openPage(
  browser: Browser,
  url: string,
  { now, scale = 1, ...look }: Look & { readonly now: number },
): Promise<Watched> {
  return watchPage(await openWindow(browser, scale), url, now, look)
}

/** Opens views of a stage, by what stands behind its address, one after the other in tabs of one window. */
export function openOn(
  t: Test,
  browser: Browser,
  stage: { readonly url: string; readonly now: () => number },
): (t: Test, hash: string, look?: Omit<Look, 'scale'>) => Promise<Watched> {
  let opened: Promise<BrowserContext> | undefined
  const openOnce = async () => {
    const context = await openWindow(browser, 1)
    // A window costs as much as several pages, and goes with its last one.
    await context.newPage()
    return context
  }
  t.teardown(async () => (await opened)?.close())
  return async (t, hash, look = {}) => {
    opened ??= openOnce()
    const watched = await watchPage(await opened, stage.url + hash, stage.now(), look)
    // Each holds a stream open, and a browser opens six to one host.
    t.teardown(() => watched.page.close())
    return watched
  }
}

function openWindow(browser: Browser, scale: number): Promise<BrowserContext> {
  return browser.newContext({
    deviceScaleFactor: scale,
    timezoneId: 'UTC',
    locale: 'en-GB',
    reducedMotion: 'reduce',
  })
}

async function watchPage(
  context: BrowserContext,
  url: string,
  now: number,
  { width = 1440, height = 900, scheme = 'light' }: Look,
): Promise<Watched> {
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    // A refused request is an answer that tests ask for.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      faults.push(message.text())
    }
  })
  await page.setViewportSize({ width, height })
  await page.emulateMedia({ colorScheme: scheme })
  // Timers run on; only what is shown as the present stands.
  await page.clock.setFixedTime(now)
  await page.goto(url)
  return { page, faults }
}
