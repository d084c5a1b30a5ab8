// A script of PHP that is written for one question, asked, and gone again: OPcache lives in the memory that the workers share, and only PHP
// that they run can look into it.

import { randomUUID } from 'node:crypto'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join, posix } from 'node:path'
import type { Executor } from '@fastcgi/client'
import { FpmError } from './errors.ts'
import { given, pageOf, type FpmPage, type FpmPageOptions } from './page.ts'

/** Where the script may be, and how long it may take. */
export interface OpcacheOptions extends FpmPageOptions {
  /** A folder that this process may write to and php-fpm may read. @default the system's folder for temporary files */
  readonly folder?: string | undefined
  /** The same folder as php-fpm sees it, for instance in a container. @default folder */
  readonly backendFolder?: string | undefined
}

// What it is asked comes as its body, so that nothing has to be quoted for PHP.
const SCRIPT = `<?php
ini_set('display_errors', '0');
header('Content-Type: application/json');
$asked = json_decode(file_get_contents('php://input'), true);
$answer = ['loaded' => function_exists('opcache_get_status'), 'enabled' => false, 'result' => null];
if ($answer['loaded']) {
    $answer['enabled'] = filter_var(ini_get('opcache.enable'), FILTER_VALIDATE_BOOLEAN);
    switch ($asked['do']) {
        case 'status':
            $answer['result'] = opcache_get_status($asked['scripts']);
            break;
        case 'reset':
            $answer['result'] = opcache_reset();
            break;
        case 'invalidate':
            $answer['result'] = [];
            foreach ($asked['files'] as $file) {
                $answer['result'][] = opcache_invalidate($file, $asked['force']);
            }
            break;
    }
    $answer['warning'] = error_get_last()['message'] ?? '';
    // This script is never run again.
    @opcache_invalidate(__FILE__, true);
}
echo json_encode($answer, JSON_INVALID_UTF8_SUBSTITUTE | JSON_PRESERVE_ZERO_FRACTION);
`

/** What a script says. */
interface Answer {
  readonly loaded: boolean
  readonly enabled: boolean
  readonly result: unknown
  /** Of PHP, if it had something to say. */
  readonly warning?: string
}

/** @throws FpmError when PHP cannot run the script, or OPcache does not answer; FastCGIError when nothing does. */
export async function askOpcache(
  executor: Executor,
  question: object,
  options: OpcacheOptions,
): Promise<unknown> {
  const { folder = tmpdir(), backendFolder = folder } = options
  const own = await mkdtemp(join(folder, 'fcgi-opcache-'))
  try {
    // Of another user than this process, usually, to whom it is to be readable, and nothing else is in it.
    await chmod(own, 0o755)
    const name = `${randomUUID()}.php`
    await writeFile(join(own, name), SCRIPT, { mode: 0o644 })
    const script = posix.join(backendFolder, basename(own), name)
    return resultOf(await run(executor, script, question, options), script)
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

async function run(
  executor: Executor,
  script: string,
  question: object,
  options: OpcacheOptions,
): Promise<FpmPage> {
  const params = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    REQUEST_METHOD: 'POST',
    SCRIPT_FILENAME: script,
    SCRIPT_NAME: `/${posix.basename(script)}`,
    REQUEST_URI: `/${posix.basename(script)}`,
    QUERY_STRING: '',
    CONTENT_TYPE: 'application/json',
    REDIRECT_STATUS: '200',
  }
  const request = { params, stdin: JSON.stringify(question) }
  return pageOf(await executor.execute(request, given(options)))
}

function resultOf({ head, text, stderr }: FpmPage, script: string): unknown {
  const answer = head.status === 200 ? answerOf(text) : undefined
  if (!answer) {
    const said = stderr.trim() || text.trim().slice(0, 200)
    throw new FpmError(
      'FPM_ERR_SCRIPT',
      head.status,
      `PHP answered ${head.status} instead of running ${script}${said === '' ? '' : ` (${said})`}: it may see other folders than this process ` +
        '(a container, a chroot, PrivateTmp of systemd) or may not read there (open_basedir). Give a folder that both see, and backendFolder if PHP has another path to it',
    )
  }
  if (answer.loaded && answer.enabled && answer.result !== false) return answer.result
  throw new FpmError('FPM_ERR_OPCACHE', head.status, reasonOf(answer))
}

function reasonOf({ loaded, enabled, warning = '' }: Answer): string {
  if (!loaded) return 'OPcache is not loaded: install it, or load it by zend_extension=opcache'
  if (!enabled) return 'OPcache is not enabled: set opcache.enable = 1'
  return `OPcache does not answer${warning === '' ? '' : ` (${warning})`}: look at opcache.restrict_api, which has to allow the path of the script`
}

function answerOf(text: string): Answer | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('loaded' in value)) return undefined
    return value as Answer
  } catch {
    return undefined
  }
}
