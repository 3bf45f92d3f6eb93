/**
 * What a page shows of an output, as a pattern of such outputs: figures may be others, white space may be more or less
 * (lines break elsewhere), `…` at the end of a line stands for anything, and so does every line in which `varies` finds
 * something. All else has to be there, word by word, from the beginning to the end.
 */
export function outputPattern(shown: string, varies: readonly RegExp[] = []): RegExp {
  const parts = ['']
  for (const line of shown.trim().split('\n')) {
    const isOpen = line.trimEnd().endsWith('…')
    if (varies.some((one) => one.test(line))) parts.push('')
    else parts[parts.length - 1] += ` ${isOpen ? line.trimEnd().slice(0, -1) : line}`
    if (isOpen) parts.push('')
  }
  return new RegExp(`^\\s*${parts.map(wordsOf).join('[^]*?')}\\s*$`)
}

function wordsOf(text: string): string {
  return text
    .trim()
    .split(/\s+/)
    .map((word) => (word.includes('->') ? escape(word) : figuresOf(word)))
    .join('\\s+')
}

/** Every number with its separators is any number, every hash of a configuration any hash. */
function figuresOf(word: string): string {
  return word
    .split(/(\b[\da-f]{12}\b|\d[\d.,]*)/)
    .map((part, at) => {
      if (at % 2 === 0) return escape(part)
      return /[a-f]/.test(part) ? '[\\da-f]{12}' : '\\d[\\d.,]*'
    })
    .join('')
}

function escape(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')
}
