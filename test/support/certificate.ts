// A certificate for localhost that nobody else trusts.

import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { findProgram, temporaryDirectory, type Scope } from './process.ts'

export interface Certificate {
  /** Paths of PEM files. */
  readonly cert: string
  readonly key: string
}

/** Why there are no certificates here; false when there are. */
export const NO_OPENSSL: string | false = findProgram(['openssl'])
  ? false
  : 'openssl is not installed, and makes the certificate'

/** Makes one, in a directory that is gone with the scope. */
export async function makeCertificate(scope: Scope): Promise<Certificate> {
  const directory = await temporaryDirectory(scope)
  const cert = join(directory, 'cert.pem')
  const key = join(directory, 'key.pem')
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const how = ['-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  execFileSync('openssl', ['req', ...how, '-days', '2', '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  })
  return { cert, key }
}
