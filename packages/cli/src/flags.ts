// Options that several commands share, and how their values are read.

import { InvalidArgumentError, type Command } from 'commander'

/** Options of every command that opens a connection. Times in ms. */
export interface TargetFlags {
  readonly allowRemote?: boolean
  readonly connectTimeout?: number
  readonly maxTime?: number
  readonly verbose?: boolean
}

/** Adds what {@link TargetFlags} reads. */
export function addTargetOptions(command: Command): Command {
  return command
    .optionsGroup('Connection:')
    .option('--connect-timeout <s>', 'seconds to connect (default: 10)', time)
    .option('-m, --max-time <s>', 'seconds for the whole', time)
    .option('--allow-remote', 'talk to another machine, over an unprotected protocol')
}

/** Adds -v for commands where it only shows the causes of a failure. */
export function addVerbose(command: Command): Command {
  return command.option('-v, --verbose', 'show what led to a failure')
}

/** Seconds, with a fraction, as ms. */
export function time(value: string): number {
  const seconds = /^\d*\.?\d+$/.test(value) ? Number(value) : NaN
  if (seconds * 1000 <= 0x7f_ff_ff_ff) return seconds * 1000
  throw new InvalidArgumentError('It takes a number of seconds, such as 2 or 0.5.')
}

/** A whole number of 1 and more. */
export function positive(value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : NaN
  if (Number.isSafeInteger(number) && number > 0) return number
  throw new InvalidArgumentError('It takes a whole number, at least 1.')
}

/** For options that can be given several times. */
export function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value]
}
