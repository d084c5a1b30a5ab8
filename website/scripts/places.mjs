// Where things are.

import { dirname, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

export const WEBSITE = join(dirname(fileURLToPath(import.meta.url)), '..')
export const CONTENT = join(WEBSITE, 'content')
export const ROOT = join(WEBSITE, '..')
export const DOCS = join(ROOT, 'docs')

/** The folder of the host that the site is in, for hosts that serve several: `/fastcgi/`. */
export const BASE = process.env['DOCS_BASE'] ?? '/'
/** Where the site will be, such as `https://fastcgi.example.org`: for its sitemap, and the links to itself. */
export const HOST = process.env['DOCS_HOST']
/** Where the built pages go. */
export const OUT = process.env['DOCS_OUT'] ?? '.vitepress/dist'
