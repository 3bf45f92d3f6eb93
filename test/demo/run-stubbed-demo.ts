import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import { runDemo } from '../../src/demo/run-demo.ts'
import type { DemoOptions } from '../../src/demo/run-demo.ts'
import type { StubManner } from './stub-gateway.ts'

/** What a run of the demo came to. */
export type Finished = { readonly code: number; readonly text: string }

/** The model process of the demo itself, for runs that should train real models. */
export const REAL_MODEL = fileURLToPath(beside('../../src/demo/model-process.js'))

/**
 * Runs the quick demo with a stub in place of the gateway, and of the models unless `change` says
 * otherwise. `onText` hears of everything that was printed so far.
 */
export async function runStubbedDemo(
  t: Test,
  manner: StubManner,
  change: Partial<DemoOptions> = {},
  onText: (text: string) => void = () => {},
): Promise<Finished> {
  const folder = t.testdir({
    'broken-model.mjs': 'throw new Error("no such model")\n',
    'gateway.mjs': `import { runStubGateway } from '${beside('./stub-gateway.js')}'
      runStubGateway(process.argv, '${manner}')`,
    'model.mjs': `import { runStubModel } from '${beside('./stub-model.js')}'
      await runStubModel(process.argv)`,
  })
  let text = ''
  const code = await runDemo({
    quick: true,
    keep: false,
    json: false,
    seed: 5,
    interactive: false,
    write: (more) => {
      text += more
      onText(text)
    },
    ...change,
    files: {
      gatewayEntry: `${folder}/gateway.mjs`,
      modelEntry: `${folder}/model.mjs`,
      dataFile: 'node_modules/vega-datasets/data/cars.json',
      ...change.files,
    },
  })
  return { code, text }
}

function beside(file: string): string {
  return new URL(file, import.meta.url).href
}
