import t from 'tap'
import { TerminalScreen } from './support/terminal-screen.ts'

const ESC = '\u001B'

function screenOf(...pieces: readonly string[]): TerminalScreen {
  const screen = new TerminalScreen(10)
  for (const piece of pieces) screen.write(piece)
  return screen
}

t.test('What is drawn over is gone, and what is wider than the screen goes on below.', (t) => {
  t.same(screenOf('one\r\ntwo\r\n').lines, ['one', 'two', ''])
  t.same(screenOf('0123456789ab\r\n').lines, ['0123456789', 'ab', ''])
  t.same(
    screenOf('first long\r\nsecond\r\nthird\r\n', `${ESC}[3A1${ESC}[K\r\n2${ESC}[K\r\n${ESC}[J`)
      .lines,
    ['1', '2', ''],
  )
  t.same(screenOf('abc\rX').lines, ['Xbc'])
  t.end()
})

t.test('Paints are kept, also where their codes come in pieces.', (t) => {
  const screen = screenOf(
    `${ESC}[1ma<${ESC}`,
    `[22m ${ESC}[3`,
    `1mred${ESC}[39m&${ESC}[2mdim${ESC}[22m`,
  )
  t.same(screen.lines, ['a< red&dim'])
  t.equal(
    screen.toHtml(0, 1),
    '<span class="bold">a&lt;</span><span class=""> </span><span class="red">red</span><span class="">&amp;</span><span class="dim">dim</span>',
  )
  t.end()
})

t.test('What it does not know is refused, not left out.', (t) => {
  for (const sequence of [`${ESC}[33m`, `${ESC}[2J`, `${ESC}[5B`, '\u0007', `${ESC}]`]) {
    t.throws(
      () => screenOf(sequence),
      /nothing that this screen can show/,
      JSON.stringify(sequence),
    )
  }
  t.end()
})
