// Options for well-known applications, as data.

import { shown } from '../checks.ts'
import type { PresetName, SiteOptions, StaticOptions } from '../options.ts'
import { drupal } from './drupal.ts'
import { laravel } from './laravel.ts'
import { symfony } from './symfony.ts'
import { wordpress } from './wordpress.ts'

const PRESETS: ReadonlyMap<string, SiteOptions> = new Map<PresetName, SiteOptions>([
  ['wordpress', wordpress],
  ['laravel', laravel],
  ['symfony', symfony],
  ['drupal', drupal],
])

/**
 * The options with those of their preset filled in, and without its name. What is given beside the preset counts more: it replaces what the
 * preset says (`index`, `scripts`, …; of `static` each field by itself), but for `deny` and `noScripts`, which it adds to. Nobody who
 * denies one folder more means to open all the others.
 * @throws TypeError when there is no such preset.
 */
export function applyPreset<Options extends Omit<SiteOptions, 'routes'>>(
  options: Options,
): SiteOptions & Omit<Options, keyof SiteOptions> {
  const { preset: name, ...given } = options
  if (name === undefined) return options
  const preset = PRESETS.get(name)
  if (!preset) {
    throw new TypeError(
      `preset must be one of ${[...PRESETS.keys()].join(', ')}, not ${shown(name)}`,
    )
  }
  return {
    ...preset,
    ...withoutUndefined(given),
    deny: joined(preset.deny, given.deny),
    noScripts: joined(preset.noScripts, given.noScripts),
    static: staticOptions(preset.static, given.static),
  } as Options
}

function staticOptions(
  preset: StaticOptions | false | undefined,
  given: StaticOptions | false | undefined,
): StaticOptions | false {
  if (given === false || preset === false) return given ?? false
  // For the check of the options to complain about.
  if (given !== undefined && (typeof given !== 'object' || given === null)) return given
  return { ...preset, ...withoutUndefined(given ?? {}) }
}

/** What is no list stays as it is, for the check of the options to complain about. */
function joined(preset: readonly string[] = [], given: readonly string[] = []): readonly string[] {
  return Array.isArray(given) ? [...preset, ...(given as readonly string[])] : given
}

function withoutUndefined<T extends object>(options: T): Partial<T> {
  const set = Object.entries(options).filter(([, value]) => value !== undefined)
  return Object.fromEntries(set) as Partial<T>
}
