"""DescribeInstances applies the filters it is given.

AWS: an unknown filter is refused as `InvalidParameterValue`.
MiniStack 1.5.33: applies tags, state, type and image, and ignores every other filter, so that a caller gets more than
it asked for.
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
"""

from ministack.services import ec2

from .ec2_actions import refusal, replace_action
from .patching import expect_function, replace_function
from .probing import Aws

# What MiniStack applies by itself, tags aside.
APPLIED = ("image-id", "instance-state-name", "instance-type")
ADDED = {
    "availability-zone": lambda instance: instance["Placement"]["AvailabilityZone"],
    "instance-id": lambda instance: instance["InstanceId"],
    "instance-lifecycle": lambda instance: instance.get("InstanceLifecycle"),
    "private-ip-address": lambda instance: instance["PrivateIpAddress"],
    "subnet-id": lambda instance: instance["SubnetId"],
    "vpc-id": lambda instance: instance["VpcId"],
}


def apply() -> None:
    """Applies the common filters and refuses the rest."""
    expect_function(ec2, "_parse_filters", "params")
    replace_function(ec2, "_matches_filters", "inst, filters", _match)
    replace_action("DescribeInstances", _refuse_unknown)


def _match(matches):
    def matches_filters(inst, filters):
        added = all(ADDED[name](inst) in values for name, values in filters.items() if name in ADDED)
        return added and matches(inst, filters)

    return matches_filters


def _refuse_unknown(describe):
    def describe_instances(p):
        for name in ec2._parse_filters(p):
            if name not in APPLIED and name not in ADDED and not name.startswith("tag"):
                return refusal("InvalidParameterValue", f"The filter '{name}' is invalid")
        return describe(p)

    return describe_instances


def probe(aws: Aws) -> bool:
    """A filter by id finds one of two instances, and a filter that does not exist is refused."""
    client = aws.client("ec2")
    ids = [i["InstanceId"] for i in client.run_instances(ImageId="ami-0", MinCount=2, MaxCount=2)["Instances"]]
    found = client.describe_instances(Filters=[{"Name": "instance-id", "Values": ids[:1]}])["Reservations"]
    try:
        client.describe_instances(Filters=[{"Name": "no-such-filter", "Values": ["x"]}])
        refused = False
    except client.exceptions.ClientError as error:
        refused = error.response["Error"]["Code"] == "InvalidParameterValue"
    client.terminate_instances(InstanceIds=ids)
    return len(found) == 1 and refused
