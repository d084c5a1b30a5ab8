// Options of a site -> the rules by which paths are resolved and files are sent. Every check of these options is here.

import { byteStringOf, foldAscii } from './bytes.ts'
import {
  checkFlag,
  checkList,
  checkNames,
  checkText,
  isCleanPath,
  isPattern,
  PATTERN,
  shown,
} from './checks.ts'
import type { SiteOptions, StaticOptions } from './options.ts'
import { PathPatterns } from './path-patterns.ts'
import type { ResolveRules } from './resolve.ts'
import type { StaticRules } from './static-rules.ts'

const DEFAULT_FRONT_CONTROLLER = '/index.php'
const STATIC_NAMES = [
  'maxAge',
  'immutable',
  'precompressed',
  'types',
] as const satisfies readonly (keyof StaticOptions)[]

/**
 * Makes the rules of a site from its options (its preset already applied). Looks at the options that concern them, and at no other.
 * @throws TypeError on an option that is not what it must be, by its name.
 */
export function compileRules(options: SiteOptions): ResolveRules {
  const extensions = checkList(
    'scriptExtensions',
    options.scriptExtensions ?? ['.php'],
    'an extension with its dot and in lower case, such as .php',
    (text) => /^\.[^/.]+$/.test(text) && foldAscii(text) === text && isPattern(text),
  ).map(byteStringOf)
  const { scripts } = options
  return {
    index: checkList(
      'index',
      options.index ?? ['index.php', 'index.html'],
      'the name of a file, such as index.php',
      (text) => text !== '' && !text.includes('/') && isCleanPath(`/${text}`),
    ).map(byteStringOf),
    tryFiles: tryFiles(options.tryFiles),
    frontController: frontController(options.frontController, extensions),
    scripts: scripts && new Set(scriptList(scripts, extensions)),
    scriptExtensions: extensions,
    pathInfo: checkFlag('pathInfo', options.pathInfo ?? true),
    // What forbids also holds in another case: on a disk that takes `/Config` for `/config` it would be no rule at all.
    deny: patterns('deny', options.deny),
    noScripts: patterns('noScripts', options.noScripts),
    files: options.static !== false,
  }
}

/**
 * How the files of a site are sent, from its option `static`.
 * @throws TypeError on an option that is not what it must be, by its name.
 */
export function compileStatic(options: StaticOptions = {}): StaticRules {
  checkNames('static', options, STATIC_NAMES)
  const { maxAge, immutable = [], precompressed = true, types = {} } = options
  return {
    precompressed: checkFlag('static.precompressed', precompressed),
    cacheControl: maxAge === undefined ? undefined : `max-age=${checkAge(maxAge)}`,
    immutable: new PathPatterns(checkList('static.immutable', immutable, PATTERN, isPattern)),
    types: checkTypes(types),
  }
}

function tryFiles(value: readonly string[] = ['$path', '$path/']): readonly string[] {
  const must =
    '$path, something behind it, or a path from the root, such as $path.html or /app.html'
  return checkList('tryFiles', value, must, (text) => {
    const path = text.replace(/^\$path/, '/x')
    return isCleanPath(path) && !path.includes('$path')
  }).map(byteStringOf)
}

/** The default is only one where it is a script. */
function frontController(
  value: string | false | undefined,
  extensions: readonly string[],
): string | false {
  if (value === false) return false
  if (value === undefined) {
    return isScript(DEFAULT_FRONT_CONTROLLER, extensions) && DEFAULT_FRONT_CONTROLLER
  }
  const must = `false or ${scriptMust(extensions)}`
  return byteStringOf(
    checkText('frontController', value, must, (text) => isScript(text, extensions)),
  )
}

function scriptList(value: readonly string[], extensions: readonly string[]): readonly string[] {
  return checkList('scripts', value, scriptMust(extensions), (text) =>
    isScript(text, extensions),
  ).map(byteStringOf)
}

function scriptMust(extensions: readonly string[]): string {
  return `a script by its path below the root, such as /index.php (scriptExtensions: ${extensions.join(', ')})`
}

function isScript(text: string, extensions: readonly string[]): boolean {
  const bytes = byteStringOf(text)
  return isCleanPath(text) && extensions.some((extension) => bytes.endsWith(extension))
}

function patterns(field: string, value: readonly string[] = []): PathPatterns {
  return new PathPatterns(checkList(field, value, PATTERN, isPattern), { fold: true })
}

function checkAge(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new TypeError(`static.maxAge must be a whole number of seconds, not ${shown(value)}`)
}

function checkTypes(types: Readonly<Record<string, string>>): ReadonlyMap<string, string> {
  const checked = new Map<string, string>()
  for (const [extension, type] of Object.entries(types)) {
    const field = `static.types[${shown(extension)}]`
    if (!/^\.[^/]+$/.test(extension)) {
      throw new TypeError(`${field} must be named by an extension with its dot, such as .wasm`)
    }
    const must = 'a content type, such as application/wasm'
    checkText(field, type, must, (text) =>
      /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:;[\t\x20-\x7e]*)?$/.test(text),
    )
    checked.set(foldAscii(byteStringOf(extension)), type)
  }
  return checked
}
