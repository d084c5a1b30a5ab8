// Does the script run, and if not: what of its path is not as php-fpm sees it?

import { Pool, type ParamPair } from '@fastcgi/client'
import { pageOf, type FpmPage } from '@fastcgi/php/fpm'
import { Failure, messageOf } from '../failure.ts'
import { requestParams, textOf } from '../request/params.ts'
import { oneLine, truncate } from '../terminal/text.ts'
import { bytes } from '../terminal/units.ts'
import { failed, ok, skipped, warning, type Finding, type Patient } from './finding.ts'
import { explainPath } from './script-path.ts'

export async function checkScript(patient: Patient): Promise<Finding> {
  const { address, url, flags, patience, io } = patient
  if (!url) return skipped('script', 'none was named: add --root FOLDER and /script.php')
  const headers = [['Host', url.host]] as const
  const parts = { method: 'GET', url, headers, contentLength: undefined }
  const pool = new Pool(address, {
    keepAlive: false,
    connectTimeout: patience,
    headersTimeout: patience,
    requestTimeout: patience * 4,
  })
  const send = async (params: readonly ParamPair[]): Promise<FpmPage> =>
    pageOf(await pool.execute({ params }, { signal: io.signal }))
  try {
    const params = requestParams(parts, flags, io.cwd)
    const page = await send(params)
    if (!isUnknown(page)) return judge(page, paramOf(params, 'SCRIPT_FILENAME'))
    const runsAt = async (filename: string): Promise<boolean> =>
      !isUnknown(await send(movedTo(params, filename)))
    return await explainPath(
      { root: paramOf(params, 'DOCUMENT_ROOT'), filename: paramOf(params, 'SCRIPT_FILENAME') },
      runsAt,
    )
  } catch (error) {
    io.signal.throwIfAborted()
    if (error instanceof Failure) throw error
    return failed('script', oneLine(messageOf(error)))
  } finally {
    pool.destroy()
  }
}

function paramOf(params: readonly ParamPair[], name: string): string {
  const value = params.find(([key]) => key === name)?.[1]
  return value === undefined ? '' : textOf(value)
}

/** The same request for another file; by HEAD, because only whether it is there matters. */
function movedTo(params: readonly ParamPair[], filename: string): ParamPair[] {
  return params.map(([name, value]) => {
    if (name === 'SCRIPT_FILENAME') return [name, filename]
    return name === 'REQUEST_METHOD' ? [name, 'HEAD'] : [name, value]
  })
}

function isUnknown({ head, text, stderr }: FpmPage): boolean {
  return (
    /Primary script unknown/.test(stderr) ||
    (head.status === 404 && /^(?:File not found\.|No input file specified\.)\s*$/.test(text))
  )
}

function judge(page: FpmPage, filename: string): Finding {
  const { head, text, stderr } = page
  const { status } = head
  if (/security\.limit_extensions/.test(stderr)) {
    return failed(
      'script',
      `403: ${filename} does not end as security.limit_extensions of the pool demands (.php and .phar by default)`,
      'let the web server send such files itself, and only scripts to php-fpm',
      'or add the extension to security.limit_extensions, if these files are really programs',
    )
  }
  if (/open_basedir/.test(stderr)) {
    return failed(
      'script',
      `${filename} lies outside of open_basedir`,
      'add its folder to open_basedir',
    )
  }
  if (status === 403 && /^Access denied\.\s*$/.test(text)) {
    return failed(
      'script',
      `403: php-fpm may not read ${filename}`,
      'let the user of the pool read it (chmod o+r), and enter its folders (chmod o+x)',
      'on SELinux: restorecon -R, or the type httpd_sys_content_t',
    )
  }
  return ran(page)
}

function ran({ head, text, stderr }: FpmPage): Finding {
  const powered = head.headers.find(([name]) => name.toLowerCase() === 'x-powered-by')?.[1]
  const by = powered === undefined ? '' : `, ${oneLine(powered)}`
  const summary = `it ran: status ${head.status}, ${bytes(Buffer.byteLength(text))}${by}`
  const complaint = truncate(oneLine(stderr.trim()), 200)
  if (head.status >= 500) {
    return failed(
      'script',
      complaint === '' ? summary : `${summary}; PHP says: ${complaint}`,
      'this is up to the application: its log, and that of PHP, tell more',
    )
  }
  if (complaint !== '') return warning('script', `${summary}; PHP says: ${complaint}`)
  if (head.status >= 400)
    return warning('script', `${summary}, which is the answer of the application`)
  return ok('script', summary)
}
