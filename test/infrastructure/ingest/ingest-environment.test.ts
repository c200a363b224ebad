import { expect, test } from 'vitest';
import { IngestEnvironmentError, readIngestEnvironment } from '../../../infrastructure/ingest/ingest-environment.ts';

const lambda = {
  EVENT_BUS_ARN: 'bus',
  WEBHOOK_SECRET_ARN: 'secret',
  AWS_REGION: 'eu-west-1',
  AWS_ACCESS_KEY_ID: 'fake-access-key',
  AWS_SECRET_ACCESS_KEY: 'not-a-real-secret',
};

test('an environment without session, endpoint and allowed projects is whole', () => {
  expect(readIngestEnvironment(lambda)).toEqual({
    eventBusArn: 'bus',
    webhookSecretArn: 'secret',
    allowedProjects: '',
    allowedNetworks: '',
    signatureOnly: false,
    aws: {
      region: 'eu-west-1',
      accessKeyId: 'fake-access-key',
      secretAccessKey: 'not-a-real-secret',
      endpointUrl: null,
    },
  });
});

test('everything that an environment lacks is named at once', () => {
  const { EVENT_BUS_ARN: _bus, ...rest } = lambda;
  expect(() => readIngestEnvironment({ ...rest, AWS_REGION: '' })).toThrow(IngestEnvironmentError);
  expect(() => readIngestEnvironment({ ...rest, AWS_REGION: '' })).toThrow('EVENT_BUS_ARN, AWS_REGION');
});
