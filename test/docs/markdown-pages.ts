import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** The pages of the project, by their paths. */
export const MARKDOWN_PAGES: readonly string[] = [
  ...readdirSync('.').filter((file) => file.endsWith('.md')),
  'bench/README.md',
  'bench/calibration/README.md',
  ...readdirSync('docs', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.md'))
    .map((file) => join('docs', file)),
]

/** A fenced block of a page; `language` is empty where none is given. */
export type FencedBlock = {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
}

/** Every fenced block of all pages, those in lists too, with the indentation of the fence taken off. */
export function fencedBlocks(): readonly FencedBlock[] {
  return MARKDOWN_PAGES.flatMap((page) => {
    const text = readFileSync(page, 'utf8')
    return [...text.matchAll(/^( *)```(\w*)[^\n]*\n([^]*?)^\1```$/gm)].map((match) => ({
      page,
      line: text.slice(0, match.index).split('\n').length,
      language: match[2]!,
      text: match[3]!.replace(new RegExp(`^${match[1]!}`, 'gm'), ''),
    }))
  })
}

/** The text of a page without its fenced blocks. */
export function proseOf(page: string): string {
  return readFileSync(page, 'utf8').replace(/^( *)```[^]*?^\1```$/gm, '')
}
