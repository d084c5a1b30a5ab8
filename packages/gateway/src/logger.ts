// What the gateway tells, and to whom. pino, winston and console-like loggers fit as they are.

/** Takes the fields first, as pino does. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

const nothing = (): void => {}

/** Says nothing: what a library does unless it is told where to. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
