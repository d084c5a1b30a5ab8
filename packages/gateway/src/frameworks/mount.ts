// The place where an application has put the gateway: the beginning of the path, which PHP sees in front of SCRIPT_NAME.

import { decodePath } from '@fastcgi/client/http'
import { isCleanPath, shown } from '../checks.ts'

/**
 * A mount point as it was given: `/blog`, `/blog/`, `/` or nothing.
 * @throws TypeError when it is no path.
 */
export function checkMount(name: string, value: unknown = ''): string {
  const path = typeof value === 'string' ? value.replace(/\/+$/, '') : undefined
  if (path === '' || (path !== undefined && isCleanPath(path) && !/[?#%]/.test(path))) return path
  throw new TypeError(`${name} must be a plain path such as /blog, not ${shown(value)}`)
}

/** As many segments from the beginning of the path as the pattern of a route has: `/:tenant` of `/acme/a.php` is `/acme`. */
export function mountOf(target: string, pattern: string): string {
  const count = pattern.split('/').filter((segment) => segment !== '').length
  if (count === 0) return ''
  const segments = pathOf(target).split('/')
  return segments.slice(0, count + 1).join('/')
}

/** The decoded path; what cannot be decoded is left to the gateway to refuse. */
function pathOf(target: string): string {
  try {
    return decodePath(target.split('?', 1)[0] ?? '')
  } catch {
    return ''
  }
}
