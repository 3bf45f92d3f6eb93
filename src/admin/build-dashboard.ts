import { readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** What is bundled of other packages: their licences have to go with it. */
const BUNDLED = ['preact', 'uplot']

/** What the browser is given; `index.html` names each as `{{entry}}`. */
const ENTRIES = ['main.tsx', 'style.css', 'icon.svg']

/**
 * Bundles the dashboard's sources into `folder`: `assets/` with names that hold a hash of what is in them, the
 * page that loads them, and the licences of what is bundled with them. Run by the build, from the project's
 * root, so that the package needs neither the bundler nor the libraries of the page.
 */
export async function buildDashboard(projectRoot: string, folder: string): Promise<void> {
  const sources = join(projectRoot, 'src/admin/dashboard')
  await rm(join(folder, 'assets'), { recursive: true, force: true })
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
  await writeFile(join(folder, 'LICENSES.txt'), await readLicences(projectRoot))
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

async function readLicences(projectRoot: string): Promise<string> {
  const texts = await Promise.all(
    BUNDLED.map((name) => readFile(join(projectRoot, 'node_modules', name, 'LICENSE'), 'utf8')),
  )
  return texts.map((text, i) => `${BUNDLED[i]}\n\n${text}`).join('\n\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const folder of process.argv.slice(2)) await buildDashboard(process.cwd(), folder)
}
