// Where things are.

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const WEBSITE = join(dirname(fileURLToPath(import.meta.url)), '..')
export const CONTENT = join(WEBSITE, 'content')
export const ROOT = join(WEBSITE, '..')
export const DOCS = join(ROOT, 'docs')
