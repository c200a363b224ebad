import { join } from 'node:path';
import { Aws, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogField, AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import { HttpApi, HttpMethod, HttpStage, LogGroupLogDestination } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import type { EventBus } from 'aws-cdk-lib/aws-events';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { Deployment } from '../deployment/deployment.ts';
import { BundledFunction } from '../kit/cdk/bundled-function.construct.ts';
import { metricDimension } from '../kit/lambda/metrics.ts';
import { projectPatternOf } from '../kit/project-pattern.ts';
import { webhookNetworksText } from '../kit/webhook-networks.ts';
import { WebhookAlarms } from './webhook-alarms.construct.ts';

/** GitLab.com sends at most 13,000 calls a minute for a top-level group (217 a second); what is above is not GitLab. */
const requestsPerSecond = 250;
/** A pipeline of hundreds of jobs announces them all at once, and GitLab does not send a refused call again. */
const requestsInBurst = 500;
/** GitLab waits 10 s. */
const functionTimeoutSeconds = 8;

export type JobHookApiProps = {
  readonly bus: EventBus;
  readonly webhookSecret: Secret;
  readonly deployment: Pick<Deployment, 'name' | 'gitlab' | 'allowedProjects' | 'alarmTopicArn'>;
};

/** `POST /webhook` and the Lambda behind it, which may put events on the one bus and read the one secret. */
export class JobHookApi extends Construct {
  readonly webhookUrl: string;

  constructor(scope: Construct, id: string, { bus, webhookSecret, deployment }: JobHookApiProps) {
    super(scope, id);
    const projectPattern = projectPatternOf(deployment.allowedProjects);
    const { allowedNetworks, signatureOnly } = deployment.gitlab.webhook;
    const receiveJobHook = new BundledFunction(this, 'ReceiveJobHook', {
      entry: join(import.meta.dirname, 'receive-job-hook.lambda.ts'),
      description: 'Proves that a job hook is from GitLab and puts it on the event bus',
      timeoutSeconds: functionTimeoutSeconds,
      environment: {
        EVENT_BUS_ARN: bus.eventBusArn,
        WEBHOOK_SECRET_ARN: webhookSecret.secretArn,
        ...(projectPattern ? { ALLOWED_PROJECTS: projectPattern } : {}),
        ...(allowedNetworks.length > 0 ? { ALLOWED_NETWORKS: webhookNetworksText(allowedNetworks) } : {}),
        ...(signatureOnly ? { SIGNATURE_ONLY: 'true' } : {}),
      },
    });
    bus.grantPutEventsTo(receiveJobHook);
    // Narrower than grantRead, which adds DescribeSecret.
    receiveJobHook.addToRolePolicy(
      new PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [webhookSecret.secretArn] }),
    );
    const api = this.createApi(deployment);
    this.webhookUrl = `${api.stage.url}webhook`;
    const [route] = api.http.addRoutes({
      path: '/webhook',
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration('ReceiveJobHookIntegration', receiveJobHook),
    });
    if (route) {
      Validations.of(route).acknowledge({
        id: 'AwsSolutions-APIG4',
        reason:
          'GitLab proves itself by a signature over the body, which an authorizer never sees: the Lambda checks it first of all.',
      });
    }
  }

  private createApi({ name, alarmTopicArn }: JobHookApiProps['deployment']) {
    const http = new HttpApi(this, 'Api', {
      apiName: `${Aws.STACK_NAME}-job-hook`,
      description: 'Where GitLab sends its job hooks',
      createDefaultStage: false,
    });
    const accessLog = new LogGroup(this, 'AccessLog', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const stage = new HttpStage(this, 'Stage', {
      httpApi: http,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: requestsPerSecond, burstLimit: requestsInBurst },
      accessLogSettings: { destination: new LogGroupLogDestination(accessLog), format: accessLogFormatOf(name) },
    });
    new WebhookAlarms(this, 'Alarms', { deploymentName: name, alarmTopicArn, api: http, accessLog });
    return { http, stage };
  }
}

/** No header and no body: they hold the token. The deployment's name is what its metrics are counted by. */
function accessLogFormatOf(deploymentName: string): AccessLogFormat {
  return AccessLogFormat.custom(
    JSON.stringify({
      time: AccessLogField.contextRequestTime(),
      requestId: AccessLogField.contextRequestId(),
      sourceIp: AccessLogField.contextIdentitySourceIp(),
      method: AccessLogField.contextHttpMethod(),
      path: AccessLogField.contextPath(),
      status: AccessLogField.contextStatus(),
      responseMilliseconds: AccessLogField.contextResponseLatency(),
      integrationMilliseconds: AccessLogField.contextIntegrationLatency(),
      error: AccessLogField.contextErrorMessage(),
      integrationError: AccessLogField.contextIntegrationErrorMessage(),
      [metricDimension]: deploymentName,
    }),
  );
}
