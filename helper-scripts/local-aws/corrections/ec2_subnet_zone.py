"""An instance is in the zone of its subnet.

AWS: the subnet decides the availability zone.
MiniStack 1.5.33: every instance is in zone `a`.
Source: https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html
"""

from ministack.services import ec2

from .ec2_actions import LAUNCH_PARAMETERS
from .patching import replace_function
from .probing import Aws


def apply() -> None:
    """Takes the zone over from the subnet."""
    replace_function(ec2, "_launch_instances_internal", LAUNCH_PARAMETERS, _in_zone_of_subnet)


def _in_zone_of_subnet(launch):
    def launch_instances(**request):
        created = launch(**request)
        for instance in created:
            zone = (ec2._subnets.get(instance["SubnetId"]) or {}).get("AvailabilityZone")
            if zone:
                instance["Placement"]["AvailabilityZone"] = zone
        return created

    return launch_instances


def probe(aws: Aws) -> bool:
    """An instance in a subnet of zone c is in zone c."""
    client = aws.client("ec2")
    zone = f"{aws.region}c"
    vpc = client.create_vpc(CidrBlock="10.99.0.0/16")["Vpc"]["VpcId"]
    subnet = client.create_subnet(VpcId=vpc, CidrBlock="10.99.1.0/24", AvailabilityZone=zone)["Subnet"]["SubnetId"]
    instance = client.run_instances(ImageId="ami-0", MinCount=1, MaxCount=1, SubnetId=subnet)["Instances"][0]
    client.terminate_instances(InstanceIds=[instance["InstanceId"]])
    client.delete_subnet(SubnetId=subnet)
    client.delete_vpc(VpcId=vpc)
    return instance["Placement"]["AvailabilityZone"] == zone
