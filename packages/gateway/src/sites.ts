// Which site answers: chosen by the host that is asked for, then by the path.

import type { Backends } from './backends.ts'
import { refuseUnknown, shown, text, texts, within } from './checks.ts'
import { compileSite, SITE_OPTIONS } from './compile-site.ts'
import type { HostOptions, RouteOptions, SiteOptions } from './options.ts'
import type { Site } from './site.ts'

/** A site with its parts, the longest path first. */
interface Tree {
  readonly site: Site | undefined
  readonly routes: readonly { readonly path: string; readonly site: Site }[]
}

export class Sites {
  readonly #exact = new Map<string, Tree>()
  /** By what follows the star: `.example.org`. */
  readonly #wildcards = new Map<string, Tree>()
  readonly #fallback: Tree | undefined

  /** @throws TypeError that names the option and what it takes. */
  constructor(common: SiteOptions, hosts: readonly HostOptions[], backends: Backends) {
    if (isSite(common) || common.routes !== undefined || hosts.length === 0) {
      this.#fallback = compileTree(common, 'default', backends)
    }
    hosts.forEach((options, at) => {
      within(`sites[${at}]`, () => this.#add(inherit(common, options), backends))
    })
  }

  /** The site of a host and a decoded path; undefined when no site answers for them. */
  find(host: string, path: string): Site | undefined {
    const tree = this.#exact.get(host) ?? this.#wildcard(host) ?? this.#fallback
    if (!tree) return undefined
    return tree.routes.find((route) => isBelow(path, route.path))?.site ?? tree.site
  }

  #wildcard(host: string): Tree | undefined {
    if (this.#wildcards.size === 0) return undefined
    for (let dot = host.indexOf('.'); dot >= 0; dot = host.indexOf('.', dot + 1)) {
      const tree = this.#wildcards.get(host.slice(dot))
      if (tree) return tree
    }
    return undefined
  }

  #add(options: HostOptions, backends: Backends): void {
    if (options.hosts === undefined) {
      throw new TypeError(
        'hosts must name the hosts of this site: a list, such as ["example.org", "*.example.org"]',
      )
    }
    const hosts = texts('hosts', options.hosts).map((host, at) => checkHost(`hosts[${at}]`, host))
    if (hosts.length === 0) throw new TypeError('hosts must name at least one host')
    const { hosts: _, ...site } = options
    const tree = compileTree(site, hosts[0]!, backends)
    for (const host of hosts) {
      const [map, key] = host.startsWith('*')
        ? [this.#wildcards, host.slice(1)]
        : [this.#exact, host]
      if (map.has(key)) throw new TypeError(`hosts names ${host}, which another site has`)
      map.set(key, tree)
    }
  }
}

function compileTree(options: SiteOptions, name: string, backends: Backends): Tree {
  const { routes = [], ...rest } = options
  if (!Array.isArray(routes)) throw new TypeError(`routes must be a list, not ${shown(routes)}`)
  const compiled = (routes as readonly RouteOptions[]).map((route, at) =>
    within(`routes[${at}]`, () => compileRoute(rest, route, name, backends)),
  )
  const twice = compiled.find(({ path }, at) =>
    compiled.some((other, i) => i < at && other.path === path),
  )
  if (twice) throw new TypeError(`routes has ${twice.path} more than once`)
  if (!isSite(rest) && compiled.length === 0) {
    throw new TypeError(
      'root must be given: where are the files and scripts? Or backendRoot, where only the backend has them',
    )
  }
  return {
    site: isSite(rest) ? compileSite(rest, { name, base: '' }, backends) : undefined,
    routes: compiled.toSorted((a, b) => b.path.length - a.path.length),
  }
}

function compileRoute(
  parent: SiteOptions,
  { path: at, ...route }: RouteOptions,
  name: string,
  backends: Backends,
): { path: string; site: Site } {
  const path = checkPath(at)
  const base = route.root === undefined ? '' : path
  const site = compileSite(inherit(parent, route), { name: `${name}${path}`, base }, backends)
  return { path, site }
}

/** Options that say where files or scripts are; others are for sites and routes to take over. */
function isSite({ root, backendRoot }: SiteOptions): boolean {
  return root !== undefined || backendRoot !== undefined
}

function checkPath(value: unknown): string {
  const path = text('path', value).replace(/\/+$/, '')
  if (/^(?:\/[A-Za-z0-9._~-]+)+$/.test(path) && !/\/\.{1,2}(?:\/|$)/.test(path)) return path
  throw new TypeError(`path must be a plain path such as /blog, not ${shown(value)}`)
}

function checkHost(name: string, value: string): string {
  const host = value.toLowerCase()
  if (/^(?:\*\.)?[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/.test(host) || /^\[[0-9a-f:.]+\]$/.test(host))
    return host
  throw new TypeError(
    `${name} must be a host name without a port, as in example.org or *.example.org, not ${shown(value)}`,
  )
}

function isBelow(path: string, folder: string): boolean {
  return path.startsWith(folder) && (path.length === folder.length || path[folder.length] === '/')
}

/** The options of a part of something: its own, and those of the whole that it says nothing about. */
function inherit<T extends SiteOptions>(whole: SiteOptions, part: T): T {
  const { routes: _routes, ...options } = whole
  const own = given(part)
  if (own.root === undefined) return { ...options, ...own }
  // What was said about another root does not hold for this one.
  const { backendRoot: _backendRoot, ...rest } = options
  return { ...rest, ...own }
}

/** Without what is undefined, which stands for what is not said. */
function given<T extends object>(options: T): T {
  refuseUnknown(options, [...SITE_OPTIONS, 'hosts', 'path'])
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T
}
