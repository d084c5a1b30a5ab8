// Where fixtures are, as seen from the compiled tests in build/test.

import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The root of the repository. */
export const ROOT: string = join(dirname(fileURLToPath(import.meta.url)), '..', '..', '..')
/** PHP fixtures: the document root of the tests. */
export const PHP_ROOT: string = join(ROOT, 'test', 'php')
/** Golden bytes. */
export const VECTORS: string = join(ROOT, 'test', 'vectors')
