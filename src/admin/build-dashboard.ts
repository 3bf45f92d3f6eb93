import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** What the browser is given; `index.html` names each as `{{entry}}`. */
const ENTRIES = ['main.tsx', 'style.css', 'icon.svg']

/**
 * Bundles the dashboard's sources into `folder`: `assets/` with names that hold a hash of what is in them, and the
 * page that loads them. Run by the build, from the project's root: the package needs neither the bundler nor the
 * libraries of the page.
 */
export async function buildDashboard(sources: string, folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  const { metafile } = await build({
    entryPoints: ENTRIES.map((entry) => join(sources, entry)),
    outdir: join(folder, 'assets'),
    entryNames: '[name]-[hash]',
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    loader: { '.svg': 'copy' },
    legalComments: 'eof',
    metafile: true,
    logLevel: 'warning',
  })
  const built = new Map<string, string>()
  for (const [file, { entryPoint, inputs }] of Object.entries(metafile.outputs)) {
    const source = entryPoint ?? Object.keys(inputs)[0]
    if (source !== undefined) built.set(basename(source).replace(/\.tsx$/, '.js'), basename(file))
  }
  const page = await readFile(join(sources, 'index.html'), 'utf8')
  await writeFile(
    join(folder, 'index.html'),
    page.replaceAll(/\{\{(.+?)\}\}/g, (_, name: string) => {
      const file = built.get(name)
      if (file === undefined) throw new Error(`the page names ${name}, which is not built`)
      return file
    }),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await buildDashboard(
    join(process.cwd(), 'src/admin/dashboard'),
    join(import.meta.dirname, 'dashboard'),
  )
}
