import { join } from 'node:path';
import { Aws, Fn, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { AccessLogField, AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  type CfnStage,
  HttpApi,
  HttpMethod,
  HttpRoute,
  HttpRouteKey,
  HttpStage,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
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

/**
 * Requests a second and at once. GitLab.com sends at most 13,000 calls a minute for a top-level group (217 a second); a
 * pipeline of hundreds of jobs announces them all at once, and GitLab does not send a refused call again.
 */
const ofGitLab = { rateLimit: 250, burstLimit: 500 };
/** Strangers can find this address; hooks that were made before it had a second part still call it. */
const ofKnownAddress = { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 500 };
/** Nobody has anything to call there. */
const ofOtherAddresses = { ThrottlingRateLimit: 1, ThrottlingBurstLimit: 5 };
/** GitLab waits 10 s. */
const functionTimeoutSeconds = 8;

export type JobHookApiProps = {
  readonly bus: EventBus;
  readonly webhookSecret: Secret;
  readonly deployment: Pick<Deployment, 'name' | 'gitlab' | 'allowedProjects' | 'alarmTopicArn'>;
};

/**
 * Where GitLab sends its job hooks, and the Lambda behind it, which may put events on the one bus and read the one
 * secret.
 *
 * Anonymous requests count against a throttle before anybody can refuse them, so GitLab has a route and a throttle of
 * its own: under a name that strangers do not know, the last part of the stack's id. It proves nothing to the Lambda.
 * Every other route has settings under its literal key, so that the stage's defaults are those of GitLab's alone.
 * Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-throttling.html
 */
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
    const integration = new HttpLambdaIntegration('ReceiveJobHookIntegration', receiveJobHook);
    const unguessable = Fn.select(2, Fn.split('/', Aws.STACK_ID));
    this.webhookUrl = `${api.stage.url}webhook/${unguessable}`;
    const gitlabs = new HttpRoute(this, 'GitLabsRoute', {
      httpApi: api.http,
      routeKey: HttpRouteKey.with(`/webhook/${unguessable}`, HttpMethod.POST),
      integration,
    });
    const known = api.http.addRoutes({ path: '/webhook', methods: [HttpMethod.POST], integration });
    // Answers 403 without waking the Lambda.
    const others = new HttpRoute(this, 'OtherRoutes', {
      httpApi: api.http,
      routeKey: HttpRouteKey.DEFAULT,
      integration,
      authorizer: new HttpIamAuthorizer(),
    });
    const stage = api.stage.node.defaultChild as CfnStage;
    stage.routeSettings = { 'POST /webhook': ofKnownAddress, [HttpRouteKey.DEFAULT.key]: ofOtherAddresses };
    // Settings of a route that does not exist yet are refused.
    stage.node.addDependency(...known, others);
    for (const route of [gitlabs, ...known]) {
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
      throttle: ofGitLab,
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
