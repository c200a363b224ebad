import { setTimeout as wait } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import type { Hono, MiddlewareHandler } from 'hono';
import { type AccessToken, scopesFor } from './access-token.ts';
import { type ApiError, asApiError, insufficientScope, unauthorized } from './api-error.ts';
import { controlRoutes, UnknownProjectError } from './control-api.server.ts';
import type { GitLabParts } from './gitlab-parts.server.ts';
import { jobRequestRoutes } from './job-requests.server.ts';
import type { JobChangeView } from './job-view.ts';
import { jobRoutes } from './jobs-api.server.ts';
import type { LocalGitLab } from './local-gitlab.ts';
import { projectRoutes } from './projects-api.server.ts';
import { protectedRefRoutes } from './protected-refs.server.ts';
import { runnerRoutes } from './runners-api.server.ts';
import { UnknownDeliveryError } from './webhook-sender.client.ts';

type App = Hono<{ Bindings: HttpBindings }>;

/** All routes, in the order in which they are tried: those of runners come before the access token is asked for. */
export function addRoutes(app: App, parts: GitLabParts, gitlab: LocalGitLab, changes: readonly JobChangeView[]): void {
  const { accessTokens } = parts;
  app.use('*', async (context, next) => {
    await next();
    context.header('X-Request-Id', context.req.header('x-request-id') ?? parts.ports.randomUuid());
  });
  app.use('/_local/*', requireToken(accessTokens));
  app.route('/_local', controlRoutes(gitlab, changes));
  app.use('/api/*', strikeFaults(parts));
  app.route('/api/v4', jobRequestRoutes(parts));
  app.use('/api/*', requireToken(accessTokens));
  app.route('/api/v4', runnerRoutes(parts));
  app.route('/api/v4', jobRoutes(parts));
  app.route('/api/v4', projectRoutes(parts));
  for (const type of ['branch', 'tag'] as const) app.route('/api/v4', protectedRefRoutes(type, parts));
  app.notFound((context) => context.json({ error: '404 Not Found' }, 404));
  app.onError((error, context) => {
    const known = asApiError(error);
    if (known !== undefined) return answerError(known);
    if (error instanceof UnknownDeliveryError || error instanceof UnknownProjectError) {
      return context.json({ message: error.message }, 404);
    }
    return context.json({ message: `500 Internal Server Error: ${error.stack}` }, 500);
  });
}

function answerError({ status, body, headers }: ApiError): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json', ...headers } });
}

const apiRoot = /^\/api\/v4(?=\/)/;

/**
 * 401 without a token that is known, 403 with one whose scopes do not reach the call. What is not GitLab's is for the
 * whole `api`.
 */
function requireToken(accessTokens: readonly AccessToken[]): MiddlewareHandler {
  return async (context, next) => {
    const bearer = context.req.header('authorization')?.replace(/^Bearer /i, '');
    const given = context.req.header('private-token') ?? bearer ?? context.req.query('private_token');
    const known = accessTokens.find(({ token }) => token === given);
    if (known === undefined) throw unauthorized();
    const { pathname } = new URL(context.req.url);
    const needed = apiRoot.test(pathname)
      ? scopesFor(context.req.method, pathname.replace(apiRoot, ''))
      : (['api'] as const);
    if (needed !== null && !needed.some((scope) => known.scopes.includes(scope))) throw insufficientScope(needed);
    await next();
  };
}

/** Does to a request what a fault says, before anything else sees it. */
function strikeFaults({ faults }: GitLabParts): MiddlewareHandler<{ Bindings: HttpBindings }> {
  return async (context, next) => {
    const effect = faults.strikeRoute(context.req.method, new URL(context.req.url).pathname);
    switch (effect?.kind) {
      case 'respond': {
        const headers = { 'Content-Type': 'application/json', ...effect.headers };
        const body = effect.body ?? { message: String(effect.status) };
        const isEmpty = effect.status === 204 || effect.status === 304;
        const text = typeof body === 'string' ? body : JSON.stringify(body);
        return new Response(isEmpty ? null : text, { status: effect.status, headers });
      }
      case 'hang':
        return new Promise<Response>(() => undefined);
      case 'drop':
        context.env.incoming.socket.destroy();
        return new Promise<Response>(() => undefined);
      case 'delay':
        await wait(effect.milliseconds);
        break;
      case undefined:
        break;
    }
    await next();
    return undefined;
  };
}
