import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { type DynamoDBDocumentClient, PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { type ProjectsStore, projectMark } from './known-projects.ts';

/** A project of which nothing is heard for so long is forgotten. */
const forgottenAfterDays = 30;

/**
 * The projects that we look after, as items of the runners' table. They stand in its sparse index beside the live ones,
 * under another mark.
 */
export function createKnownProjects(dynamodb: DynamoDBDocumentClient, runnersTable: string): ProjectsStore {
  const notedOn = new Map<number, string>();
  return {
    async noteProject({ projectId, path }, day) {
      // Most jobs come from a project that this process has noted today.
      if (notedOn.get(projectId) === day) return;
      const expiresAt = Date.parse(day) / 1_000 + forgottenAfterDays * 24 * 60 * 60;
      try {
        await dynamodb.send(
          new PutCommand({
            TableName: runnersTable,
            Item: { pk: `project#${projectId}`, live: projectMark, admittedAt: day, projectId, path, expiresAt },
            ConditionExpression: 'attribute_not_exists(live) OR admittedAt < :day',
            ExpressionAttributeValues: { ':day': day },
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
      notedOn.set(projectId, day);
    },

    async forgetProject(projectId) {
      notedOn.delete(projectId);
      try {
        // Out of the index; the rest of it expires.
        await dynamodb.send(
          new UpdateCommand({
            TableName: runnersTable,
            Key: { pk: `project#${projectId}` },
            UpdateExpression: 'REMOVE live',
            ConditionExpression: 'attribute_exists(live)',
          }),
        );
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}
