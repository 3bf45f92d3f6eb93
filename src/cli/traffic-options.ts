import { InvalidArgumentError } from 'commander'
import type { MetricSpec } from '../domain/rollout-spec.ts'
import { parsePercent } from '../domain/units.ts'
import { describeStrayRate, type GivenRates } from '../rollout/given-rates.ts'
import { describeStrayShare, type GivenShares } from '../rollout/segment-share.ts'
import { CliExit, EXIT } from './cli-exit.ts'

/** Reads `--rps`, above 0. */
export function parseRps(text: string): number {
  const rps = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN
  if (rps > 0 && rps <= 1e9) return rps
  throw new InvalidArgumentError('Give a number above 0, of requests (new keys) per second.')
}

/** Reads a share of the requests, `0.5%`, as a fraction of 1. */
export function parseShare(text: string): number {
  const share = parsePercent(text)
  if (share !== null && share <= 1) return share
  throw new InvalidArgumentError('Write it as 1% or 0.5%.')
}

/** Adds what `--rate` says, `conversion=30%`, to what it said before: it may stand several times. */
export function collectRate(text: string, before: GivenRates = new Map()): GivenRates {
  const at = text.lastIndexOf('=')
  const share = parsePercent(text.slice(at + 1))
  if (at > 0 && share !== null && share > 0 && share < 1) {
    return new Map([...before, [text.slice(0, at), share]])
  }
  throw new InvalidArgumentError(
    'Give a metric and its share, above 0% and below 100%: conversion=30%.',
  )
}

/** Adds what `--segment` says, `gold=10%`, to what it said before: it may stand several times. */
export function collectShare(text: string, before: GivenShares = {}): GivenShares {
  const at = text.lastIndexOf('=')
  const share = parsePercent(text.slice(at + 1))
  if (at > 0 && share !== null && share > 0 && share < 1) {
    return { ...before, [text.slice(0, at)]: share }
  }
  throw new InvalidArgumentError(
    'Give a segment and its share of the requests, above 0% and below 100%: gold=10%.',
  )
}

/** Throws a `CliExit` where a share is given of what none of these metrics is judged by, or more than there is. */
export function refuseStrayShare(
  shares: GivenShares | undefined,
  metrics: readonly MetricSpec[],
): void {
  const stray = shares === undefined ? null : describeStrayShare(shares, metrics)
  if (stray !== null) throw new CliExit(EXIT.badInput, `--segment: ${stray}`)
}

/** Throws a `CliExit` where a rate is given of something else than one of these metrics. */
export function refuseStrayRate(
  rates: GivenRates | undefined,
  metrics: readonly MetricSpec[],
): void {
  const stray = rates === undefined ? null : describeStrayRate(rates, metrics)
  if (stray !== null) throw new CliExit(EXIT.badInput, `--rate: ${stray}`)
}
