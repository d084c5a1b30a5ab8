// The options of one site, checked, and made ready once.

import type { ParamPair, Params } from '@fastcgi/client'
import { checkRoot } from '@fastcgi/client/http'
import { paramText } from '@fastcgi/client/protocol'
import type { Backends } from './backends.ts'
import { checkFlag, refuseUnknown, shown, text, texts, within } from './checks.ts'
import { FileTree } from './files.ts'
import type { SiteOptions } from './options.ts'
import { applyPreset } from './presets/apply.ts'
import { compileRules, compileStatic } from './compile-rules.ts'
import { SiteParams, type ParamRules } from './script-params.ts'
import type { Site } from './site.ts'

export const SITE_OPTIONS: readonly string[] = [
  'root',
  'preset',
  'backend',
  'backendRoot',
  'index',
  'frontController',
  'tryFiles',
  'scripts',
  'scriptExtensions',
  'pathInfo',
  'deny',
  'noScripts',
  'static',
  'followSymlinks',
  'sendFileRoots',
  'params',
  'unsafeParams',
  'serverName',
  'authorization',
  'unsafeHeaderNames',
  'headers',
  'routes',
] satisfies (keyof SiteOptions)[]

const UNSAFE_PARAMS: ReadonlySet<string> = new Set([
  'PHP_VALUE',
  'PHP_ADMIN_VALUE',
  'REQUEST_BODY_FILE',
])

/** @throws TypeError that names the option and what it takes. */
export function compileSite(
  given: SiteOptions,
  place: { readonly name: string; readonly base: string },
  backends: Backends,
): Site {
  refuseUnknown(given, SITE_OPTIONS)
  const options = applyPreset(given)
  const { root, backend, followSymlinks = true, static: statics = {} } = options
  const files =
    root === undefined
      ? undefined
      : new FileTree(root, { followSymlinks: checkFlag('followSymlinks', followSymlinks) })
  const paramRules: ParamRules = {
    own: extraParams(options),
    serverName:
      options.serverName === undefined ? undefined : text('serverName', options.serverName),
    policy: {
      authorization: checkFlag('authorization', options.authorization ?? true),
      unsafeHeaderNames: texts('unsafeHeaderNames', options.unsafeHeaderNames ?? []),
    },
  }
  return {
    ...place,
    files,
    rules: compileRules(options),
    static: statics === false || !files ? undefined : compileStatic(statics),
    sendFileRoots: sendFileRoots(options),
    backend: backend === undefined ? undefined : backends.get(backend),
    headers: headerFields(options.headers ?? {}),
    params: paramsOf(options, files, paramRules),
  }
}

/** The root changes when a release is switched; what is prepared for it is made anew then. */
function paramsOf(
  { backendRoot }: SiteOptions,
  files: FileTree | undefined,
  rules: ParamRules,
): Site['params'] {
  if (backendRoot !== undefined || !files) {
    const root = within('backendRoot', () => checkRoot(backendRoot ?? '/'))
    const fixed = new SiteParams(root, rules)
    return () => fixed
  }
  let current = new SiteParams(files.realRoot(), rules)
  return () => {
    const now = files.realRoot()
    if (now !== current.root) current = new SiteParams(now, rules)
    return current
  }
}

function sendFileRoots({ sendFileRoots: roots = {} }: SiteOptions): Map<string, FileTree> {
  return new Map(
    Object.entries(roots).map(([prefix, folder]) =>
      within(`sendFileRoots[${shown(prefix)}]`, () => {
        if (!/^\/(?:[^/]+\/)*$/.test(prefix)) {
          throw new TypeError('the prefix must begin and end with a slash, as in /protected/')
        }
        return [prefix, new FileTree(text('the folder', folder), { followSymlinks: true })]
      }),
    ),
  )
}

function headerFields(headers: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(headers).map(([name, value]) => {
    // eslint-disable-next-line no-control-regex -- control characters are what it looks for
    if (
      !/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(name) ||
      /[^\t\x20-\x7e\x80-\xff]/.test(text(`headers.${name}`, value))
    ) {
      throw new TypeError(`headers.${name} is no header field`)
    }
    return [name, value]
  })
}

/** Each name once: what the options say last counts. */
function extraParams({ params = {}, unsafeParams = {} }: SiteOptions): ParamPair[] {
  const safe = pairsOf(params)
  const unsafe = safe.map(([name]) => paramText(name)).find((name) => UNSAFE_PARAMS.has(name))
  if (unsafe !== undefined) {
    throw new TypeError(`params.${unsafe} lets PHP run or read any file: give it in unsafeParams`)
  }
  const all: ParamPair[] = [
    ['SERVER_SOFTWARE', 'fastcgi-gateway'],
    ...safe,
    ...pairsOf(unsafeParams),
  ]
  return [...new Map(all.map((pair) => [paramText(pair[0]), pair])).values()]
}

function pairsOf(params: Params): ParamPair[] {
  const pairs = Symbol.iterator in params ? [...params] : Object.entries(params)
  return pairs.filter((pair): pair is ParamPair => pair[1] !== undefined)
}
