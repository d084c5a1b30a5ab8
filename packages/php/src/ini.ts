// php.ini settings: checked, and written so that PHP reads exactly the value that was given.

/** php.ini settings by name, such as `{ memory_limit: '256M', display_errors: true }`. */
export type IniSettings = Readonly<Record<string, string | number | boolean>>

// A value with operators, which PHP works out only where it is not quoted.
const ERROR_LEVELS = /^[A-Z_\d\s&|~^()]+$/

/** @throws TypeError that names the setting: on anything that could become a second setting. */
export function checkIni(settings: IniSettings): IniSettings {
  for (const [name, value] of Object.entries(settings)) {
    if (!/^[A-Za-z_][\w.-]*$/.test(name)) {
      throw new TypeError(`ini: ${JSON.stringify(name)} is no name of a php.ini setting`)
    }
    iniValue(name, value)
  }
  return { ...settings }
}

/** The settings as the text of a php.ini. */
export function iniText(settings: IniSettings): string {
  return Object.entries(settings)
    .map(([name, value]) => `${name} = ${iniValue(name, value)}\n`)
    .join('')
}

function iniValue(name: string, value: unknown): string {
  if (typeof value === 'boolean') return value ? '1' : '0'
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value !== 'string') {
    throw new TypeError(`ini ${name} must be a string, a number, true or false`)
  }
  // oxlint-disable-next-line no-control-regex -- these are what must not get through
  if (/[\0-\x08\n-\x1f]/.test(value)) throw new TypeError(`ini ${name} has a control character`)
  if (name === 'error_reporting' && ERROR_LEVELS.test(value)) return value
  // Between single quotes nothing has a meaning, and nothing can stand for a single quote.
  if (!value.includes("'")) return `'${value}'`
  if (!/["\\$]/.test(value)) return `"${value}"`
  throw new TypeError(`ini ${name} has a single quote beside ", \\ or $, which php.ini cannot hold`)
}
