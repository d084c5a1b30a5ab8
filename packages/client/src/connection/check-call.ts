// What a call must be made of; everything else would fail, or be passed over, later and elsewhere.

import { PreparedParams, type Role } from '../protocol/index.ts'
import type { DispatchHandler, FastCGIRequest } from './request.ts'

/** @throws TypeError on what would otherwise fail, or be passed over, later and elsewhere. */
export function checkCall(request: FastCGIRequest, handler: DispatchHandler): void {
  const { params, prepared } = request
  if (typeof params !== 'object' || params === null) {
    throw new TypeError('request.params must be an object or an iterable of pairs')
  }
  if (prepared !== undefined && !isPrepared(prepared)) {
    throw new TypeError('request.prepared must come from prepareParams')
  }
  if (typeof handler.onStdout !== 'function') throw notAFunction('onStdout')
  if (typeof handler.onEnd !== 'function') throw notAFunction('onEnd')
  if (typeof handler.onError !== 'function') throw notAFunction('onError')
}

function notAFunction(name: keyof DispatchHandler): TypeError {
  return new TypeError(`handler.${name} must be a function`)
}

function isPrepared(prepared: unknown): boolean {
  return Array.isArray(prepared)
    ? prepared.every((each) => each instanceof PreparedParams)
    : prepared instanceof PreparedParams
}

/** @throws TypeError on what does not fit into the 16 bits of a role. */
export function checkRole(role: Role): Role {
  if (Number.isInteger(role) && role >= 0 && role <= 0xff_ff) return role
  throw new TypeError(`role must be a number such as Role.Responder, not ${JSON.stringify(role)}`)
}
