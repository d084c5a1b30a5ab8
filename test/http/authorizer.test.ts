// The Authorizer role, from params to decision (FastCGI 1.0, §6.3).

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Pool, Role } from '@fastcgi/client'
import { authorizerParams, readAuthorization } from '@fastcgi/client/http'
import { ResponderConnection, type ResponderHandler } from '@fastcgi/client/responder'
import { connectMemory } from '@fastcgi/client/testing'

const answer = (stdout: string): { stdout: Uint8Array } => ({ stdout: Buffer.from(stdout) })

test('status 200 allows, and tells the Variable-* headers from all others', () => {
  const authorization = readAuthorization(
    answer(
      'Status: 200 OK\r\nVariable-REMOTE_USER: adä\r\nvariable-AUTH_METHOD: database lookup\r\n' +
        'Set-Cookie: a=b\r\nVariable-: nothing\r\n\r\nan ignored body',
    ),
  )
  assert.deepEqual(authorization, {
    allowed: true,
    variables: new Map([
      ['REMOTE_USER', 'adä'],
      ['AUTH_METHOD', 'database lookup'],
    ]),
  })
})

test('no status is 200; any other is the response to the client', () => {
  assert.equal(readAuthorization(answer('X: y\n\n')).allowed, true)
  for (const status of [201, 302, 401, 403, 500]) {
    const authorization = readAuthorization(
      answer(`Status: ${status}\r\nVariable-REMOTE_USER: ada\r\n\r\nNot you`),
    )
    assert.ok(!authorization.allowed)
    assert.equal(authorization.head.status, status)
    assert.equal(Buffer.from(authorization.body).toString(), 'Not you')
  }
})

test('what is no CGI response, or names a variable twice, decides nothing', () => {
  const bad = ['', 'no header', 'Status: 200', 'Variable-U: a\r\nVariable-U: b\r\n\r\n']
  for (const stdout of bad) {
    assert.throws(() => readAuthorization(answer(stdout)), { code: 'FCGI_ERR_CGI_RESPONSE' })
  }
})

test('an Authorizer is asked without what concerns the body and the script', async (t) => {
  const application: ResponderHandler = async ({ role, params }, reply) => {
    assert.equal(role, Role.Authorizer)
    await reply.stdout(`Variable-SEEN: ${[...params.keys()].join(' ')}\r\n\r\n`)
  }
  const connect = connectMemory(
    (transport) =>
      new ResponderConnection(transport, application, { roles: [Role.Authorizer] }, () => {}),
  )
  const pool = new Pool('unix:/authorizer', { connect })
  t.after(() => pool.destroy())
  const params = authorizerParams({
    REQUEST_METHOD: 'POST',
    SCRIPT_NAME: '/a.php',
    PATH_INFO: '/b',
    PATH_TRANSLATED: '/srv/b',
    CONTENT_LENGTH: 5,
    HTTP_AUTHORIZATION: 'Basic x',
  })
  const authorization = readAuthorization(await pool.execute({ role: Role.Authorizer, params }))
  assert.ok(authorization.allowed)
  assert.equal(authorization.variables.get('SEEN'), 'REQUEST_METHOD HTTP_AUTHORIZATION')
})
