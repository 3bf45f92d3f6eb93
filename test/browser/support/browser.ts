import type { Test } from 'tap'
import { chromium, type Browser, type Page } from 'playwright-core'

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

/** Opens a page whose clock shows `now`, and notes what goes wrong in it. */
export async function openPage(
  browser: Browser,
  url: string,
  options: {
    readonly now: number
    readonly width?: number
    readonly height?: number
    readonly scheme?: 'light' | 'dark'
    readonly scale?: number
  },
): Promise<Watched> {
  const { now, width = 1440, height = 900, scheme = 'light', scale = 1 } = options
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    deviceScaleFactor: scale,
    timezoneId: 'UTC',
    locale: 'en-GB',
    reducedMotion: 'reduce',
  })
  const page = await context.newPage()
  const faults: string[] = []
  page.on('pageerror', (error) => faults.push(error.message))
  page.on('console', (message) => {
    // A refused request is an answer that tests ask for.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
      faults.push(message.text())
    }
  })
  // Timers run on; only what is shown as the present stands.
  await page.clock.setFixedTime(now)
  await page.goto(url)
  return { page, faults }
}

/** Opens views of a stage, by what stands behind its address; they are closed with the test. */
export function openOn(t: Test, browser: Browser, stage: { url: string; now: () => number }) {
  return async (
    hash: string,
    size: { readonly scheme?: 'light' | 'dark'; readonly width?: number } = {},
  ): Promise<Watched> => {
    const opened = await openPage(browser, stage.url + hash, { ...size, now: stage.now() })
    t.teardown(() => opened.page.context().close())
    return opened
  }
}
