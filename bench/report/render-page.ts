import { CONTENDERS } from '../contenders.ts'
import { findWork } from '../works.ts'
import { buildTables, type Table } from './build-tables.ts'
import type { Report } from './figures.ts'
import { renderMarkdown } from './render-table.ts'

/** What a reader must know of a table, by its title. */
const NOTES: Readonly<Record<Table['title'], string>> = {
  'CPU per request':
    'Medians over the rounds; ratios are paired within a round. p50 and p99 are those of a saturated server. Where `core` is well below 100 %, the load was at its limit before the contender, and requests/s are a lower bound.',
  'Added latency at a fixed rate':
    "Through the contender less straight to the upstream at the same rate, in milliseconds, at 25, 50 and 75 % of the contender's own saturation. `(cap)`: that would be more than the driver keeps with the upstream alone, so the contender got what it keeps, and no row for higher shares. The typical p99 is the median, over tenths of a second, of the p99 of each: where the machine stops for some milliseconds now and then, the p99 of all is the machine's, and the typical one is not. A star: the driver was more than 1 ms late going direct, and the row says little of the contender. The sleeper is a process on the contender's core that only sleeps, and tells how late it wakes, while the load goes straight to the upstream: what the machine itself adds, which no contender can be below.",
  'Many services':
    'The requests are spread over all services of a contender; the ticks of the evaluator are part of the cost.',
  'Two workers at a fixed rate':
    'Each worker gets the same requests/s, over 50 connections of its own. CPU is that of the whole family, the supervisor included; the ratio is to serin, one process on one core, paired within a round. Beside it what the closed loop reached.',
  'Two workers, saturated':
    '`core` is the share of one core. With two workers on both cores load and upstream have what is left of one of them, so requests/s are no saturation of two whole cores. One process whose loop is full serves many sockets a turn, two that share their cores with the load serve fewer: CPU per request is compared at a fixed rate.',
  'Open event streams': 'Resident memory of a fresh process without and with open streams.',
  'Memory over many requests':
    "Resident memory: the process' own pages, and those of files that it maps. serin-observe stores a prediction for each request, and the pages of its LMDB file that it has touched count here until the kernel needs them. Own pages rise and fall by tens of MiB, since V8 collects what has grown old late (bench/README.md has the heap after full collections). Growth is the median of the last quarter of the requests less that of the second.",
}

/** `docs/performance.md` of a recorded run, with the plot beside it; null = nothing is recorded yet. */
export function renderPage(recorded: Report | null): string {
  const figures = recorded === null ? NOTHING : [renderRun(recorded), ...renderFigures(recorded)]
  return `${[...HEAD, ...figures, ...renderContenders()].join('\n\n')}\n`
}

const HEAD = [
  '<!-- Written by `npm run docs:performance`: change bench/report/render-page.ts instead. -->',
  '# Performance',
  `What a request costs in serin, beside a floor without features and beside other forwarders. How it is measured, and
how to do it again, stands in [bench/README.md](../bench/README.md). In short: every contender is a process on one core,
load and upstream share another; all of them are alive and warm at once and take short bursts in turns, so that what
disturbs the machine disturbs all; ratios to the floor are paired within a round; every answer is checked.`,
]

const NOTHING = [
  `## Figures

No run is recorded yet.`,
]

function renderRun({ at, machine, settings }: Report): string {
  const list = (of: Report['machine']) =>
    Object.entries(of)
      .map(([name, value]) => `${name} ${value}`)
      .join(' · ')
  const { description } = findWork(String(settings['work']))
  return `## The run

${at.slice(0, 10)}: ${description}. ${list(settings)}.

${list(machine)}.`
}

function renderFigures(recorded: Report): string[] {
  return buildTables(recorded).flatMap((table, i) => [
    `## ${table.title}`,
    ...(i === 0 && recorded.ratios !== undefined
      ? ["![CPU per request as a multiple of the floor's](performance.svg)"]
      : []),
    NOTES[table.title] ?? '',
    renderMarkdown(table),
  ])
}

function renderContenders(): string[] {
  const lines = CONTENDERS.map(({ name, description }) => `- **${name}**: ${description}`)
  return ['## Contenders', lines.join('\n')]
}
