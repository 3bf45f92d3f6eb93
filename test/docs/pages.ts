import { readDocument } from '../admin/contract.ts'
import { describeMetrics } from '../prometheus/kit.ts'
import { createProgram } from '../../src/cli/program.ts'
import { createFakeIo } from '../cli/fake-io.ts'
import { renderApi } from './render-api.ts'
import { renderCli } from './render-cli.ts'
import { renderConfig } from './render-config.ts'
import { renderMetrics } from './render-metrics.ts'

/** A page of docs/ that is made from code. */
export type Page = {
  /** `npm run docs:<name>` writes it. */
  readonly name: string
  readonly file: string
  readonly render: () => string | Promise<string>
}

/** Every page that is made from code here. */
export const PAGES: readonly Page[] = [
  { name: 'api', file: 'api.md', render: async () => renderApi(await readDocument()) },
  { name: 'cli', file: 'cli.md', render: () => renderCli(createProgram(createFakeIo([]).io)) },
  { name: 'config', file: 'configuration.md', render: renderConfig },
  {
    name: 'metrics',
    file: 'metrics-reference.md',
    render: async () => renderMetrics(await describeMetrics()),
  },
]
