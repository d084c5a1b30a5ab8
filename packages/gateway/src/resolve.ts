// URL path -> what answers, as data. Pure: the file system comes in as a function.
//
// Rule 1: a denied path is never looked at, and answered as if nothing were there.
// Rule 2: a path that names a script is that script or nothing: never the front controller, never a file.
// Rule 3: whatever is found, by the path itself, by try_files or as an index, goes through the same last check (`found`).

import type { ScriptPath } from '@fastcgi/client/http'
import { isAlwaysDenied, isDisguisedScript, isScriptSource } from './denied.ts'
import type { FileEntry, Lookup } from './files.ts'
import type { PathPatterns } from './path-patterns.ts'

/** What the options of a site come to, for this decision. All names and paths are byte strings. */
export interface ResolveRules {
  /** Names of files. */
  readonly index: readonly string[]
  /** With `$path` in them, or paths from the root. */
  readonly tryFiles: readonly string[]
  readonly frontController: string | false
  /** Undefined: every script may run. */
  readonly scripts: ReadonlySet<string> | undefined
  /** With their dot, in lower case. */
  readonly scriptExtensions: readonly string[]
  readonly pathInfo: boolean
  readonly deny: PathPatterns
  readonly noScripts: PathPatterns
  /** Whether files are sent that are no scripts; otherwise they are as if they were not there. */
  readonly files: boolean
}

/** What answers. Paths are byte strings, below the site's root. */
export type Resolution =
  | { readonly type: 'file'; readonly path: string; readonly entry: FileEntry }
  | { readonly type: 'script'; readonly script: ScriptPath }
  /** To the same path with a slash at its end; the query stays. */
  | { readonly type: 'redirect'; readonly path: string }
  /** `reason` is for logs and for pages in development mode; a client is told the status alone. */
  | { readonly type: 'none'; readonly status: 403 | 404; readonly reason: string }

/**
 * Decides what answers for a path.
 * @param path As `decodePath` of the client gives it: a byte string from `/` on, without `.`, `..` and repeated slashes.
 * @param look Looks at the files of the site; undefined when they are on another machine: then a path that names a script is that script,
 * and everything else goes to the front controller.
 */
export function resolve(path: string, rules: ResolveRules, look: Lookup | undefined): Resolution {
  if (isAlwaysDenied(path) || rules.deny.matches(path)) return none(404, `${path} is denied`)
  if (look === undefined) return resolveUnseen(path, rules)
  return (
    namedScript(path, rules, look) ?? tried(path, rules, look) ?? frontController(path, rules, look)
  )
}

/** The same rules without the front controller, and without files: what is left is what a path leads to by itself. */
export function scriptsOnly(rules: ResolveRules): ResolveRules {
  const tryFiles = rules.tryFiles.filter((pattern) => pattern.includes('$path'))
  return { ...rules, tryFiles, frontController: false, files: false }
}

/** Each place where a path may be cut after a script, from the left; compared byte by byte. */
function* scriptEnds(path: string, extensions: readonly string[]): Generator<number> {
  if (!extensions.some((extension) => path.includes(extension))) return
  for (let at = 0; at < path.length;) {
    const slash = path.indexOf('/', at + 1)
    const end = slash < 0 ? path.length : slash
    // A segment that is nothing but the extension is a hidden file, not a script.
    if (extensions.some((e) => end - at - 1 > e.length && path.endsWith(e, end))) yield end
    at = end
  }
}

function namedScript(path: string, rules: ResolveRules, look: Lookup): Resolution | undefined {
  for (const end of scriptEnds(path, rules.scriptExtensions)) {
    const scriptName = path.slice(0, end)
    if (rules.noScripts.matches(scriptName)) return none(403, `no script runs at ${scriptName}`)
    const kind = look(scriptName)?.kind
    if (kind === undefined) return none(404, `there is no script ${scriptName}`)
    if (kind === 'file') return run(scriptName, path.slice(end), rules)
  }
  if (isDisguisedScript(path, rules.scriptExtensions)) return disguised(path)
  return undefined
}

/** try_files. */
function tried(path: string, rules: ResolveRules, look: Lookup): Resolution | undefined {
  const slash = path.endsWith('/')
  const base = slash ? path.slice(0, -1) : path
  for (const pattern of rules.tryFiles) {
    // A path with a slash at its end names a folder: no `/a/.html`, and no file `/a`.
    if (slash && /^\$path(?!\/)/.test(pattern)) continue
    // By a function, because a `$` in a path is not for `replace` to read.
    const candidate = pattern.replace('$path', () => base)
    const answer = candidate.endsWith('/')
      ? directory(candidate, slash || candidate !== `${path}/`, rules, look)
      : file(candidate, rules, look)
    if (answer) return answer
  }
  return undefined
}

function file(path: string, rules: ResolveRules, look: Lookup): Resolution | undefined {
  const entry = look(path)
  return entry?.kind === 'file' ? found(path, entry, rules) : undefined
}

/** A folder answers by its index. Without one it is not there, so that a front controller can have a path that is also a folder. */
function directory(
  path: string,
  direct: boolean,
  rules: ResolveRules,
  look: Lookup,
): Resolution | undefined {
  if (look(path)?.kind !== 'directory') return undefined
  for (const name of rules.index) {
    const answer = file(path + name, rules, look)
    if (answer) return direct ? answer : { type: 'redirect', path }
  }
  return undefined
}

/** The last check of everything that is there. Undefined: as if it were not. */
function found(path: string, entry: FileEntry, rules: ResolveRules): Resolution | undefined {
  if (isAlwaysDenied(path) || rules.deny.matches(path)) return none(404, `${path} is denied`)
  if (rules.scriptExtensions.some((extension) => path.endsWith(extension))) {
    if (rules.noScripts.matches(path)) return none(403, `no script runs at ${path}`)
    // Nobody asked for it by its name, so that the next one, or the front controller, may have the path.
    return isListed(path, rules) ? { type: 'script', script: scriptAt(path) } : undefined
  }
  if (isScriptSource(path, rules.scriptExtensions)) return disguised(path)
  return rules.files ? { type: 'file', path, entry } : undefined
}

function run(scriptName: string, pathInfo: string, rules: ResolveRules): Resolution {
  if (pathInfo !== '' && !rules.pathInfo) {
    return none(404, `${scriptName} takes no PATH_INFO, because the option pathInfo is false`)
  }
  if (!isListed(scriptName, rules)) return none(404, `${scriptName} is not in the option scripts`)
  return { type: 'script', script: { scriptName, pathInfo } }
}

function isListed(scriptName: string, rules: ResolveRules): boolean {
  return rules.scripts?.has(scriptName) ?? true
}

function scriptAt(scriptName: string): ScriptPath {
  return { scriptName, pathInfo: '' }
}

function frontController(path: string, rules: ResolveRules, look: Lookup): Resolution {
  const { frontController: scriptName } = rules
  if (scriptName === false) return none(404, `there is no ${path}`)
  if (look(scriptName)?.kind !== 'file') {
    return none(404, `there is no ${path}, and no front controller ${scriptName}`)
  }
  return { type: 'script', script: scriptAt(scriptName) }
}

function resolveUnseen(path: string, rules: ResolveRules): Resolution {
  const end = scriptEnds(path, rules.scriptExtensions).next()
  if (!end.done) return runUnseen(path.slice(0, end.value), path.slice(end.value), rules)
  if (isDisguisedScript(path, rules.scriptExtensions)) return disguised(path)
  if (rules.frontController !== false) {
    return { type: 'script', script: scriptAt(rules.frontController) }
  }
  const index = rules.index.find((name) => rules.scriptExtensions.some((e) => name.endsWith(e)))
  if (!path.endsWith('/') || index === undefined) return none(404, `no script answers for ${path}`)
  return runUnseen(path + index, '', rules)
}

function runUnseen(scriptName: string, pathInfo: string, rules: ResolveRules): Resolution {
  if (rules.noScripts.matches(scriptName)) return none(403, `no script runs at ${scriptName}`)
  return run(scriptName, pathInfo, rules)
}

function disguised(path: string): Resolution {
  return none(404, `${path} may be the source of a script, which is never sent`)
}

function none(status: 403 | 404, reason: string): Resolution {
  return { type: 'none', status, reason }
}
