import { isUtf8 } from 'node:buffer'
import { readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { buildConfig } from './build-config.ts'
import { checkConfig } from './check-config.ts'
import { checkShape } from './check-shape.ts'
import { checkTlsFiles } from './check-tls-files.ts'
import { Checker } from './checker.ts'
import type { Config } from './config.ts'
import { lintConfig } from './lint.ts'
import type { KnownTraffic } from './lint-traffic.ts'
import { formatPath, type ConfigProblem, type Finding } from './problem.ts'
import { readYaml, type YamlFinding, type YamlReading } from './read-yaml.ts'
import type { RawConfig } from './schema.ts'
import { substituteEnv, type Env } from './substitute-env.ts'

/** A configuration, or everything that is wrong with it at once, in the order of the text. */
export type ConfigResult =
  | { readonly ok: true; readonly config: Config; readonly warnings: readonly ConfigProblem[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** A result, and where in its file something stands that is found later. */
export type PlacedConfig = {
  readonly result: ConfigResult
  readonly place: (finding: Finding) => ConfigProblem
}

/**
 * Reads a configuration file, and the certificates that it names. A file that cannot be read is a problem
 * like any other; never throws. `rps`: the traffic that rollouts are checked for (requests or new keys per
 * second); null = not known, and not checked.
 */
export async function loadConfig(
  file: string,
  env: Env,
  rps: number | null = null,
): Promise<ConfigResult> {
  return (await loadPlacedConfig(file, env, { rps })).result
}

/** The same, for who finds more, or gives more. */
export async function loadPlacedConfig(
  file: string,
  env: Env,
  given: Given,
): Promise<PlacedConfig> {
  const refuse = (message: string, line: number | null = null): PlacedConfig => {
    const place = (finding: Finding) => {
      return { file, line, column: null, path: formatPath(finding.path), message: finding.message }
    }
    return { result: { ok: false, problems: [place({ path: [], message })] }, place }
  }
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    return refuse(explainReadError(error as NodeJS.ErrnoException))
  }
  const text = bytes.toString('utf8')
  if (isUtf8(bytes)) return parsePlaced(text, { ...given, file, env, checkFiles: true })
  // What is not UTF-8 stands there as U+FFFD.
  const line = text.slice(0, text.indexOf('\ufffd')).split('\n').length
  return refuse(explainEncoding(bytes), line)
}

/**
 * Reads the text of a configuration: YAML → environment → schema → meaning → units and defaults. `file`
 * names it in messages and is where relative paths start. Warnings hold what `lintConfig` finds too. With
 * `checkFiles` the certificates and keys that it names are read and checked; without, nothing is read.
 */
export function parseConfig(text: string, options: ParseOptions): ConfigResult {
  return parsePlaced(text, options).result
}

/** What a file is checked for beside itself. */
type Given = {
  readonly rps?: number | null
  /** What is known of the traffic beside. */
  readonly known?: KnownTraffic
  /** Epoch ms: certificates are to be valid then. */
  readonly now?: number
}

type ParseOptions = Given & {
  readonly file: string | null
  readonly env: Env
  readonly checkFiles?: boolean
}

function parsePlaced(text: string, options: ParseOptions): PlacedConfig {
  const { file } = options
  const yaml = readYaml(text)
  const placeYaml = ({ offset, path, message }: YamlFinding): PlacedProblem => ({
    file,
    ...yaml.position(offset),
    path: formatPath(path),
    message,
  })
  const place = (finding: Finding): PlacedProblem => ({
    file,
    ...yaml.locate(finding),
    path: formatPath(finding.path),
    message: finding.message,
  })
  return { result: parse(yaml, options, { placeYaml, place }), place }
}

function parse(
  yaml: YamlReading,
  { file, env, rps = null, known, now, checkFiles = false }: ParseOptions,
  { placeYaml, place }: Places,
): ConfigResult {
  const broken = yaml.errors.map(placeYaml)
  if (yaml.root === undefined) return { ok: false, problems: sortByPlace(broken) }
  if (yaml.root === null)
    return { ok: false, problems: [place({ path: [], message: 'the configuration is empty' })] }

  const substitution = substituteEnv(yaml.root, env)
  const unset = new Set(substitution.findings.map(({ path }) => JSON.stringify(path)))
  const shape = checkShape(substitution.root, substitution.whole, yaml.sourceOf)
  const unsound = [...shape.unsound, ...substitution.findings.map(({ path }) => path)]
  const checker = new Checker(shape.root, unsound, yaml.sourceOf)
  checkConfig(checker)
  if (checkFiles) checkTlsFiles(checker, file === null ? '.' : dirname(file), now ?? null)
  const problems = [
    ...broken,
    ...[
      ...substitution.findings,
      // What stands in for an unset variable is no mistake of its own.
      ...shape.findings.filter(({ path }) => !unset.has(JSON.stringify(path))),
      ...checker.problems,
    ].map(place),
  ]
  if (problems.length > 0) return { ok: false, problems: sortByPlace(problems) }

  const config = buildConfig(shape.root as RawConfig, file)
  const warnings = [
    ...yaml.warnings.map(placeYaml),
    ...[...checker.warnings, ...lintConfig(config, rps, known)].map(place),
  ]
  return { ok: true, config, warnings: sortByPlace(warnings) }
}

type Places = {
  readonly placeYaml: (finding: YamlFinding) => PlacedProblem
  readonly place: (finding: Finding) => PlacedProblem
}

type PlacedProblem = ConfigProblem & { readonly line: number; readonly column: number }

function sortByPlace(problems: readonly PlacedProblem[]): readonly ConfigProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.column - b.column)
}

function explainEncoding(bytes: Buffer): string {
  const isUtf16 = ['fffe', 'feff'].includes(bytes.subarray(0, 2).toString('hex'))
  return isUtf16
    ? 'is UTF-16: save it as UTF-8 (iconv -f UTF-16 -t UTF-8)'
    : 'has bytes in this line that are no UTF-8: save the file as UTF-8'
}

function explainReadError(error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EISDIR':
      return 'is a directory: name the configuration file itself'
    case 'EACCES':
    case 'EPERM':
      return 'may not be read: check its permissions'
    default:
      return `could not be read: ${error.message}`
  }
}
