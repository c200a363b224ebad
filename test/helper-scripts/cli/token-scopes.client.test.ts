import { Hono } from 'hono';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readTokenScopes } from '../../../helper-scripts/cli/token-scopes.client.ts';
import { type Loopback, serveLoopback } from '../../support/loopback.ts';

const token = 'not-a-real-secret';
const scopes = ['read_api', 'create_runner'];
let gitlab: Loopback;

beforeAll(async () => {
  const app = new Hono()
    .get('/gitlab/api/v4/personal_access_tokens/self', (context) =>
      context.req.header('private-token') === token ? context.json({ scopes }) : context.json({}, 401),
    )
    .get('/strange/api/v4/personal_access_tokens/self', (context) => context.html('<p>Sign in</p>'));
  gitlab = await serveLoopback(app);
});
afterAll(() => gitlab[Symbol.asyncDispose]());

it('the scopes of a token are those that GitLab tells, also below a path', async () => {
  expect(await readTokenScopes(`${gitlab.url}/gitlab`, token)).toEqual(scopes);
  expect(await readTokenScopes(`${gitlab.url}/gitlab/`, token)).toEqual(scopes);
});

it('nothing is said of a token that GitLab does not know, or of a GitLab that does not answer so', async () => {
  expect(await readTokenScopes(`${gitlab.url}/gitlab`, 'another')).toBeNull();
  expect(await readTokenScopes(`${gitlab.url}/strange`, token)).toBeNull();
  expect(await readTokenScopes(gitlab.url, token)).toBeNull();
  expect(await readTokenScopes('http://127.0.0.1:1', token)).toBeNull();
});
