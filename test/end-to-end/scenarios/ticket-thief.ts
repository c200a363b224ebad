import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { IAMClient, ListRolesCommand } from '@aws-sdk/client-iam';
import { DeleteCommand, GetCommand, PutCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import { expect, it } from 'vitest';
import { functionTicketId, nameOfHost } from '../../../autoscaler/runner-store/ticket-place.ts';
import type { World } from '../world.ts';

type Place = { readonly TableName: string; readonly id: string };

/** Runs while the tokens of other jobs wait for their hosts: those are what is to be stolen. */
export function ticketThief(world: () => World): void {
  it('a job that has its host’s credentials and knows every key takes no ticket but its own', async () => {
    const { dynamodb, tableNames } = world().run;
    const { tickets, waitingTickets } = tableNames;
    const real = [...(await placesIn(world(), waitingTickets)), ...(await placesIn(world(), tickets))];
    expect(real.length, 'tokens that wait for their hosts').toBeGreaterThan(0);
    const roles = { own: await hostRoleOf(world(), 'default'), other: await hostRoleOf(world(), 'large') };
    const madeUp: readonly Place[] = [
      { TableName: tickets, id: nameOfHost(roles.own, 'i-0123456789abcdef1') },
      { TableName: tickets, id: nameOfHost(roles.other, 'i-0123456789abcdef2') },
      { TableName: tickets, id: functionTicketId('shell', 'random') },
      { TableName: tickets, id: 'i-0123456789abcdef1' },
      { TableName: waitingTickets, id: 'job#7#1' },
    ];
    const token = 'stolen-token';
    for (const { TableName, id } of madeUp) {
      await dynamodb.send(new PutCommand({ TableName, Item: { id, token, job: 'job#7#1', expiresAt: 1 } }));
    }
    const targets = [...real, ...madeUp];
    const own: Place = { TableName: tickets, id: nameOfHost(roles.own, 'OWN') };

    const [thief] = world().startPipeline(`thief: { tags: [aws, big], script: ["${scriptFor([own, ...targets])}"] }`);
    if (!thief) throw new Error('the pipeline has no job');
    const [over] = await world().untilOver(thief);
    const trace = world().run.gitlab.jobTrace(thief.id);
    expect(over?.status, trace).toBe('success');
    // It may ask for its own, which its host has claimed: the others are refused, and not merely absent.
    expect(trace).toContain(`${own.id}: 200`);
    // AWS says 400, the local one 403.
    const refused = trace.split('\n').filter((line) => / 40[03] AccessDeniedException$/.test(line));
    for (const { id } of targets) expect(refused.join('\n')).toContain(` ${id}: `);
    expect(trace).not.toContain(token);
    for (const { TableName, id } of targets) {
      const { Item } = await dynamodb.send(new GetCommand({ TableName, Key: { id } }));
      expect(Item?.token, `the ticket ${id}`).toBeTruthy();
    }

    for (const { TableName, id } of madeUp) await dynamodb.send(new DeleteCommand({ TableName, Key: { id } }));
    await world().untilNothingIsLeft();
  });
}

async function placesIn({ run }: World, TableName: string): Promise<Place[]> {
  const places: Place[] = [];
  for await (const { Items = [] } of paginateScan({ client: run.dynamodb }, { TableName })) {
    places.push(...Items.map(({ id }) => ({ TableName, id: String(id) })));
  }
  return places;
}

/** The unique id of the role that a profile's hosts have. */
async function hostRoleOf({ run }: World, profile: string): Promise<string> {
  const { Roles = [] } = await new IAMClient(run.clientOptions()).send(new ListRolesCommand({ MaxItems: 1_000 }));
  const found = Roles.find(({ RoleName }) => RoleName?.includes(`-autoscaler-Profiles${profile}Role`));
  if (!found?.RoleId)
    throw new Error(`no role of the hosts of ${profile} among ${Roles.map(({ RoleName }) => RoleName)}`);
  return found.RoleId;
}

function scriptFor(places: readonly Place[]): string {
  const script = readFileSync(join(import.meta.dirname, 'ticket-thief.sh'));
  const lines = Buffer.from(places.map(({ TableName, id }) => `${TableName} ${id}\n`).join(''));
  const shown = (content: Buffer) => `<(base64 -d <<<${content.toString('base64')})`;
  return `bash ${shown(script)} < ${shown(lines)}`;
}
