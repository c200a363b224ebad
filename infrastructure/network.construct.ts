import { RemovalPolicy, Validations } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  SecurityGroup,
  type SubnetConfiguration,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { ExistingNetwork, OwnNetwork } from './deployment/network.ts';

/** Where EC2 runners live: a VPC of the deployment's own, or subnets and security groups that exist. */
export class Network extends Construct {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly securityGroupIds: readonly string[];

  constructor(scope: Construct, id: string, network: OwnNetwork | ExistingNetwork) {
    super(scope, id);
    const made = 'vpcId' in network ? this.useNetwork(network) : this.createNetwork(network);
    const { vpcId, subnetIds, securityGroupIds } = made;
    this.vpcId = vpcId;
    this.subnetIds = subnetIds;
    this.securityGroupIds = securityGroupIds;
  }

  /** Nothing of an existing network is looked up: its ids are all that runners need, and synth stays offline. */
  private useNetwork({ vpcId, subnetIds, securityGroupIds }: ExistingNetwork) {
    if (securityGroupIds) return { vpcId, subnetIds, securityGroupIds };
    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', { vpcId, availabilityZones: ['unknown'] });
    return { vpcId, subnetIds, securityGroupIds: [this.createSecurityGroup(vpc).securityGroupId] };
  }

  private createNetwork({ availabilityZones, natGateways, cidr, flowLogs }: OwnNetwork) {
    const withNat = natGateways > 0;
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(cidr),
      maxAzs: availabilityZones,
      // A gateway beyond one for each zone would have no subnet.
      natGateways: Math.min(natGateways, availabilityZones),
      subnetConfiguration: withNat ? [publicSubnets, privateSubnets] : [publicSubnets],
      // Free, and they keep caches, image layers and tickets off the NAT gateway's bill.
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
      // It would cost a custom resource, and nothing of ours is ever in the default group.
      restrictDefaultSecurityGroup: false,
    });
    if (flowLogs) this.writeFlowLogs(vpc);
    else {
      Validations.of(vpc).acknowledge({
        id: 'AwsSolutions-VPC7',
        reason:
          'Hosts live minutes and accept no connection; flow logs would cost more than the control plane. `network.flowLogs` writes them where a rule asks for it.',
      });
    }
    return {
      vpcId: vpc.vpcId,
      subnetIds: (withNat ? vpc.privateSubnets : vpc.publicSubnets).map((subnet) => subnet.subnetId),
      securityGroupIds: [this.createSecurityGroup(vpc as IVpc).securityGroupId],
    };
  }

  private writeFlowLogs(vpc: Vpc): void {
    const logGroup = new LogGroup(this, 'FlowLogs', {
      retention: RetentionDays.ONE_MONTH,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    vpc.addFlowLog('FlowLog', { destination: FlowLogDestination.toCloudWatchLogs(logGroup) });
  }

  private createSecurityGroup(vpc: IVpc): SecurityGroup {
    return new SecurityGroup(this, 'Runners', {
      vpc,
      description: 'GitLab runners: nothing comes in, everything goes out',
      allowAllOutbound: true,
    });
  }
}

const publicSubnets: SubnetConfiguration = { name: 'public', subnetType: SubnetType.PUBLIC };
const privateSubnets: SubnetConfiguration = { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS };
