import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

type Resource = {
  readonly Type: string;
  readonly Properties?: { readonly GlobalSecondaryIndexes?: readonly { readonly IndexName: string }[] };
};

/** What keeps data: another logical id is another resource, and an empty one. */
const dataTypes = [
  'AWS::DynamoDB::GlobalTable',
  'AWS::DynamoDB::Table',
  'AWS::ECR::Repository',
  'AWS::Events::Archive',
  'AWS::Events::EventBus',
  'AWS::S3::Bucket',
  'AWS::SQS::Queue',
  'AWS::SecretsManager::Secret',
];

/** By app and logical id, what keeps data in the templates that were deployed last: its type, and a table's indexes. */
export function deployedData(folder: string): ReadonlyMap<string, { type: string; indexes: readonly string[] }> {
  const templates = readdirSync(join(folder, 'cdk.out'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    /^[^/]+\/[^/]+\.template\.json$/.test(file),
  );
  return new Map(
    templates.flatMap((file) => {
      const { Resources } = JSON.parse(readFileSync(join(folder, 'cdk.out', file), 'utf8')) as {
        readonly Resources: Readonly<Record<string, Resource>>;
      };
      return Object.entries(Resources)
        .filter(([, { Type }]) => dataTypes.includes(Type))
        .map(([id, { Type, Properties }]) => {
          const indexes = (Properties?.GlobalSecondaryIndexes ?? []).map(({ IndexName }) => IndexName).sort();
          return [`${file.split('/')[0]}/${id}`, { type: Type, indexes }] as const;
        });
    }),
  );
}
