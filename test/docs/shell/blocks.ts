import { fencedBlocks } from '../markdown-pages.ts'

/** What is run at once, and what the page shows that it prints; null where it shows nothing. */
export type ShellCommand = { readonly script: string; readonly output: string | null }

/** A fenced block of a page that holds command lines. */
export type ShellBlock = {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly text: string
  /** All of a script are one; in a transcript each prompt begins another. */
  readonly commands: readonly ShellCommand[]
  /** Lines of commands, without comments; a line that goes on is one. */
  readonly lines: number
}

const SHELLS = ['sh', 'bash', 'shell', 'console', 'zsh', 'fish']

/** A prompt; or a program at the start of a line, where no language says what the block is. */
const COMMAND =
  /^(?:\$ |(?:serin|node|npm|npx|curl|jq|docker|kubectl|helm|systemctl|journalctl|promtool|redis-cli|openssl|nginx|git|ssh) \S)/m

/** What becomes of a block. */
export type Way = 'run here' | 'by stand-ins' | 'run by other suites' | 'usages'

/** Takes the block of a page that holds some text off the list, as one that is run in this way (here). */
export type Take = (page: string, some: string, way?: Way) => ShellBlock

/** Every block with command lines, of all pages, in their order. */
export function shellBlocks(): readonly ShellBlock[] {
  return fencedBlocks()
    .filter(
      ({ language, text }) =>
        SHELLS.includes(language) || (['', 'text'].includes(language) && COMMAND.test(text)),
    )
    .map((block) => {
      const commands = commandsOf(block.text)
      const lines = commands
        .flatMap(({ script }) => script.replaceAll(/\\\n/g, '').split('\n'))
        .filter((line) => /^\s*[^\s#]/.test(line)).length
      return { ...block, commands, lines }
    })
}

function commandsOf(text: string): readonly ShellCommand[] {
  const found = [...text.matchAll(/^\$ (.+)\n((?:(?!\$ ).*\n?)*)/gm)]
  if (found.length === 0) return [{ script: text, output: null }]
  return found.map(([, script, output]) => ({ script: script!, output: output! }))
}

/** The blocks of which none is to be left over. */
export class BlockList {
  readonly #left: Set<ShellBlock>

  constructor(blocks: readonly ShellBlock[]) {
    this.#left = new Set(blocks)
  }

  /** Takes the first block of the page that holds `some`; throws where none is left that does. */
  take(page: string, some: string): ShellBlock {
    const [found] = this.takeAll((block) => block.page === page && block.text.includes(some), 1)
    if (found === undefined) throw new Error(`${page} has no block of commands with: ${some}`)
    return found
  }

  /** Takes all that are so, or the first `limit` of them. */
  takeAll(isSo: (block: ShellBlock) => boolean, limit = Infinity): readonly ShellBlock[] {
    const found = [...this.#left].filter(isSo).slice(0, limit)
    for (const block of found) this.#left.delete(block)
    return found
  }

  /** Those that nobody has taken. */
  get left(): readonly ShellBlock[] {
    return [...this.#left]
  }
}
