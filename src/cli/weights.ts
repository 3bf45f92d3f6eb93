import { InvalidArgumentError, type Command } from 'commander'
import type { ServiceJson } from '../admin/present.ts'
import { suggest } from '../domain/nearest.ts'
import { BASELINE, CANARY } from '../domain/variant.ts'
import { CliExit, EXIT } from './cli-exit.ts'
import type { CliIo } from './cli-io.ts'
import {
  addReadOptions,
  parseReason,
  type ReadOptions,
  withClient,
  writeJson,
} from './command-options.ts'
import { renderCommandAnswer, renderWeights } from './render-command.ts'

type WeightsOptions = ReadOptions & { readonly reason?: string }

/** Adds `serin weights <service> [canary=20]`: shows the weights, or overrides them. */
export function addWeightsCommand(program: Command, io: CliIo): void {
  addReadOptions(
    program
      .command('weights')
      .description('show the weights, or override them (pauses the rollout)')
      .argument('<service>')
      .argument('[weight...]', 'canary=20 (percent)', collectWeight)
      .option('--reason <text>', 'stands in the decision log', parseReason),
  ).action(
    async (
      name: string,
      weights: Readonly<Record<string, number>> | undefined,
      options: WeightsOptions,
    ) => {
      await withClient(io, options, async (client) => {
        const { service, etag } = await client.service(name)
        if (weights === undefined || Object.keys(weights).length === 0) {
          if (options.output === 'json') writeJson(io, service.weights)
          else io.stdout.write(`${renderWeights(service.weights)}\n`)
          return
        }
        for (const variant of Object.keys(weights)) refuseUnknown(variant, service)
        const reason = options.reason === undefined ? {} : { reason: options.reason }
        const body = { ...weights, ...reason }
        const answer = await client.command('PUT', name, 'weights', body, etag)
        if (options.output === 'json') writeJson(io, answer)
        else io.stdout.write(renderCommandAnswer(answer, options.reason))
      })
    },
  )
}

function refuseUnknown(variant: string, { name, variants }: ServiceJson): void {
  if (variant === BASELINE || variant === CANARY) return
  const known = Object.keys(variants)
  if (known.includes(variant) && !known.includes(CANARY)) {
    throw new CliExit(
      EXIT.badInput,
      `${name} has no canary: the weights of its variants stand in the configuration; change them there, then \`serin reload\``,
    )
  }
  throw new CliExit(
    EXIT.badInput,
    known.includes(variant)
      ? `the weight of "${variant}" stands in the configuration; here the canary is given one, and the baseline has the rest: canary=20`
      : `${name} has no variant "${variant}"${suggest(variant, known)} (it has: ${known.join(', ')})`,
  )
}

function collectWeight(
  text: string,
  before: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> {
  const match = /^([^=]+)=(\d+(?:\.\d+)?)%?$/.exec(text)
  if (match === null) {
    throw new InvalidArgumentError('Write it as canary=20 (percent; baseline has the rest).')
  }
  const name = match[1]!
  if (before !== undefined && Object.hasOwn(before, name)) {
    throw new InvalidArgumentError(`Give ${name} one weight.`)
  }
  return { ...before, [name]: Number(match[2]) }
}
