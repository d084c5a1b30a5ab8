// What the doors for frameworks have in common: which gateway answers, and who closes it.

import { checkFlag, refuseUnknown } from '../checks.ts'
import { checkGateway, createGateway, GATEWAY_OPTIONS, type Gateway } from '../gateway.ts'
import type { GatewayOptions } from '../options.ts'

/** The options of a gateway to make, or a gateway that there is. */
export type GatewaySource =
  | (GatewayOptions & { readonly gateway?: undefined })
  | {
      /** A gateway that exists already. Whoever has made it closes it. */
      readonly gateway: Gateway
    }

/** Options of every door for a framework. */
export interface CommonOptions {
  /**
   * What becomes of a request that nothing here answers, and of a failure before an answer has begun: `true` hands them on to the
   * application (its next handler, its error handler), `false` answers with the pages of the gateway.
   */
  readonly fallthrough?: boolean | undefined
}

/** What answers in a framework. */
export interface Mounted {
  /**
   * What answers. A gateway that was made here is to be closed when the server takes no more requests: `await php.gateway.close()`.
   */
  readonly gateway: Gateway
}

/** Where a door stands. */
export interface Door<Own> {
  readonly gateway: Gateway
  /** Whether the gateway was made here. */
  readonly made: boolean
  readonly fallthrough: boolean
  /** The options that are the door's alone. */
  readonly own: Own
}

/**
 * Reads the options of a door.
 * @param ownNames The options that are not the gateway's, `gateway` and `fallthrough` aside.
 * @throws TypeError that names the option that cannot be used, and what it takes.
 */
export function openDoor<Own extends object>(
  options: Own & GatewaySource & CommonOptions,
  ownNames: readonly (keyof Own & string)[],
  fallthrough: boolean,
): Door<Own> {
  const doorNames = ['gateway', 'fallthrough', ...ownNames]
  refuseUnknown(options, [...doorNames, ...GATEWAY_OPTIONS])
  const falls = checkFlag('fallthrough', options.fallthrough ?? fallthrough)
  const own = pick(options, (name) => doorNames.includes(name)) as Own
  const rest = pick(options, (name) => !doorNames.includes(name)) as GatewayOptions
  if (options.gateway === undefined) {
    return { gateway: createGateway(rest), made: true, fallthrough: falls, own }
  }
  const [name] = Object.keys(rest)
  if (name !== undefined) {
    throw new TypeError(
      `${name} is an option of a gateway that is to be made, and there is one in gateway: give it to createGateway()`,
    )
  }
  return { gateway: checkGateway(options.gateway), made: false, fallthrough: falls, own }
}

function pick(options: object, has: (name: string) => boolean): object {
  return Object.fromEntries(Object.entries(options).filter(([name]) => has(name)))
}
