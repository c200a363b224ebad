import type { App } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';
import {
  env,
  existingNetwork,
  publishedBy,
  type Resource,
  resourcesOf,
  stackOf,
  templateOf,
} from './infrastructure-templates.ts';

describe('the network', () => {
  test('of its own has public subnets without NAT, so that nothing is paid while nothing runs', () => {
    const template = templateOf();
    template.resourceCountIs('AWS::EC2::Subnet', 2);
    template.allResourcesProperties('AWS::EC2::Subnet', { MapPublicIpOnLaunch: true });
    for (const type of ['AWS::EC2::NatGateway', 'AWS::EC2::EIP']) template.resourceCountIs(type, 0);
  });

  test('with NAT gateways has private subnets, and runners are in those', () => {
    const template = templateOf({ network: { availabilityZones: 3, natGateways: 1 } });
    template.resourceCountIs('AWS::EC2::NatGateway', 1);
    const subnets = template.findResources('AWS::EC2::Subnet') as Record<string, Resource>;
    const privateIds = Object.keys(subnets).filter((id) => subnets[id]?.Properties.MapPublicIpOnLaunch === false);
    expect(privateIds).toHaveLength(3);
    expect(publishedBy(template).subnetIds).toEqual({ 'Fn::Join': [',', privateIds.map((Ref) => ({ Ref }))] });
  });

  test('has no more NAT gateways than zones', () => {
    const template = templateOf({ network: { availabilityZones: 1, natGateways: 4 } });
    template.resourceCountIs('AWS::EC2::NatGateway', 1);
  });

  test('reaches S3 and DynamoDB without leaving AWS', () => {
    const services = resourcesOf(templateOf(), 'AWS::EC2::VPCEndpoint').map(({ Properties }) => Properties);
    expect(services.map((service) => [service.VpcEndpointType, JSON.stringify(service.ServiceName)])).toEqual([
      ['Gateway', expect.stringContaining('s3')],
      ['Gateway', expect.stringContaining('dynamodb')],
    ]);
  });

  test('lets nothing in', () => {
    const template = templateOf();
    template.resourceCountIs('AWS::EC2::SecurityGroupIngress', 0);
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: Match.absent(),
      SecurityGroupEgress: [Match.objectLike({ CidrIp: '0.0.0.0/0', IpProtocol: '-1' })],
    });
  });

  test('that exists already is passed on, and nothing is made or looked up', () => {
    const stack = stackOf({ network: existingNetwork }, { env });
    const template = Template.fromStack(stack);
    expect(publishedBy(template)).toMatchObject({ subnetIds: 'subnet-1,subnet-2', securityGroupIds: 'sg-1,sg-2' });
    const { Resources } = template.toJSON() as { Resources: Record<string, Resource> };
    expect(Object.values(Resources).filter(({ Type }) => Type.startsWith('AWS::EC2::'))).toEqual([]);
    expect((stack.node.root as App).synth().manifest.missing ?? []).toEqual([]);
  });

  test('needs no look-up even when account and region are given', () => {
    const stack = stackOf({ network: { availabilityZones: 3 } }, { env });
    const template = Template.fromStack(stack);
    template.resourceCountIs('AWS::EC2::Subnet', 3);
    const zones = resourcesOf(template, 'AWS::EC2::Subnet').map(({ Properties }) => Properties.AvailabilityZone);
    expect(zones).toEqual([0, 1, 2].map((index) => ({ 'Fn::Select': [index, { 'Fn::GetAZs': '' }] })));
    expect((stack.node.root as App).synth().manifest.missing ?? []).toEqual([]);
  });
});
