import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** What is started as a process, or as a thread. */
const ENTRIES = [
  'main.js',
  'workers/worker-process.js',
  'demo/model-process.js',
  'config/load-thread.js',
]

/**
 * Bundles the compiled modules of `modules` into `folder`, all on one level, so that what one of them looks for
 * beside itself (a process to start, the dashboard, the demo's data) is beside it there, too. To load some hundreds of
 * modules is most of what a start costs. Packages stay outside; what only some commands load stays apart. Source maps
 * lead back to the sources where Node is asked for them (`--enable-source-maps`). Run by the build.
 */
async function bundle(modules: string, folder: string): Promise<void> {
  await build({
    entryPoints: ENTRIES.map((entry) => join(modules, entry)),
    outdir: folder,
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    sourcemap: 'linked',
    sourcesContent: false,
    logLevel: 'warning',
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of process.argv.slice(2)) await bundle(import.meta.dirname, folder)
}
