/**
 * Stands for a program that no test can run (`node stand-in.js PROGRAM …`): it does nothing, and ends with 1 where the
 * command speaks of a file, a script or a variable that is not there. That the real program takes the command is
 * not shown by it.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

const [program, ...words] = process.argv.slice(2)

try {
  const check = { npm: checkNpm, kubectl: checkKubectl, docker: checkDocker }[program!]
  if (check === undefined) throw new Error('there is no stand-in for it')
  check(words)
  console.log(`stand-in for ${program}: ${words.join(' ')}`)
} catch (error) {
  console.error(`stand-in for ${program} ${words.join(' ')}: ${(error as Error).message}`)
  process.exitCode = 1
}

function checkNpm([verb, name]: readonly string[]): void {
  const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    readonly scripts: Readonly<Record<string, string>>
  }
  if (verb === 'ci') need(existsSync('package-lock.json'), 'there is no lock file')
  else need((verb === 'run' ? name : verb)! in scripts, 'there is no such script')
}

function checkKubectl([verb, flag, folder, ...more]: readonly string[]): void {
  need(verb === 'apply' && flag === '-f' && more.length === 0, 'only apply -f is known here')
  const files = readdirSync(folder!)
  need(files.length > 0, 'there is no file')
  for (const file of files) {
    for (const document of parseAllDocuments(readFileSync(join(folder!, file), 'utf8'))) {
      if (document.errors.length > 0) throw document.errors[0]!
      const object = document.toJS() as Partial<Record<string, unknown>>
      need(
        ['apiVersion', 'kind', 'metadata'].every((key) => key in object),
        `${file}: no object`,
      )
    }
  }
}

function checkDocker([verb, ...rest]: readonly string[]): void {
  const check = { build: checkBuild, run: checkRun, compose: checkCompose }[verb!]
  need(check !== undefined, 'only build, run and compose are known here')
  check!(rest)
}

function checkBuild([flag, , folder, ...more]: readonly string[]): void {
  need(flag === '-t' && more.length === 0, 'only build -t NAME FOLDER is known here')
  const copied = readFileSync(join(folder!, 'Dockerfile'), 'utf8').matchAll(
    /^COPY (?!--)(.+) \S+$/gm,
  )
  for (const file of [...copied].flatMap(([, files]) => files!.split(' '))) {
    need(existsSync(join(folder!, file)), `there is no ${file}`)
  }
}

/** What is published, and where files and volumes are, is what the image knows. */
function checkRun(words: readonly string[]): void {
  const image = readFileSync('Dockerfile', 'utf8')
  for (let at = 0; at < words.length - 1; at += 2) {
    const [flag, value] = [words[at]!, words[at + 1]!.split(':')]
    need(flag === '-p' || flag === '-v', `${flag} is not known here`)
    const known = new RegExp(flag === '-p' ? `^EXPOSE .*\\b${value[1]}\\b` : value[1]!, 'm')
    need(known.test(image), `the image knows no ${value[1]}`)
    if (value[0]!.startsWith('.')) need(existsSync(value[0]!), `there is no ${value[0]}`)
  }
  need(words.length % 2 === 1, 'an image is missing')
}

function checkCompose(words: readonly string[]): void {
  need(words[0] === 'up' && words.every((word) => /^(?:up|--build|-d)$/.test(word)), 'only up')
  const text = readFileSync('compose.yaml', 'utf8')
  need('services' in (parse(text) as object), 'compose.yaml has no services')
  for (const [, name] of text.matchAll(/\$\{(\w+):\?/g)) {
    need(process.env[name!] !== undefined, `${name} is not set`)
  }
}

function need(isSo: boolean, otherwise: string): void {
  if (!isSo) throw new Error(otherwise)
}
