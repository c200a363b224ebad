"""Credentials of an instance name their instance.

AWS: a session that an instance got through its profile is named by the instance's id, and carries
`ec2:SourceInstanceARN`, `aws:Ec2InstanceSourceVpc` and `aws:Ec2InstanceSourcePrivateIPv4` into every request.
MiniStack 1.5.33: has no credentials of instances. Ours come from AssumeRole of the profile's role with the instance
id as session name, and lack the three keys.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-policy-structure.html#amazon-ec2-keys
"""

import json

from ministack.core import iam_evaluator
from ministack.services import ec2, iam

from .ec2_actions import instance_arn
from .patching import expect_function, replace_function
from .probing import Aws, new_name


def apply() -> None:
    """Adds the keys to a session that is named by an instance whose profile holds the session's role."""
    expect_function(iam, "_lookup_instance_profile", "name, arn")
    replace_function(iam_evaluator, "_principal_keys", "credential", _with_instance)


def _with_instance(principal_keys):
    def keys_of(credential):
        keys = principal_keys(credential)
        instance = _instance_of(credential.principal_arn)
        if instance:
            keys["ec2:sourceinstancearn"] = instance_arn(instance["InstanceId"])
            keys["aws:ec2instancesourcevpc"] = instance["VpcId"]
            keys["aws:ec2instancesourceprivateipv4"] = instance["PrivateIpAddress"]
        return keys

    return keys_of


def _instance_of(principal_arn: str):
    _, _, session = principal_arn.partition(":assumed-role/")
    role, _, session_name = session.partition("/")
    instance = ec2._instances.get(session_name)
    profile_arn = ((instance or {}).get("IamInstanceProfile") or {}).get("Arn")
    profile = iam._lookup_instance_profile(arn=profile_arn) if profile_arn else None
    roles = (profile or {}).get("Roles") or []
    names = [item if isinstance(item, str) else item.get("RoleName") for item in roles]
    return instance if role in names else None


def probe(aws: Aws) -> bool:
    """An instance may terminate itself, and not another one of the same role."""
    role = aws.role(
        {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "ec2:TerminateInstances",
                    "Resource": "*",
                    "Condition": {"ArnEquals": {"ec2:SourceInstanceARN": f"arn:aws:ec2:{aws.region}:*:instance/*"}},
                }
            ]
        },
        "ec2.amazonaws.com",
    )
    profile = new_name()
    client, management = aws.client("ec2"), aws.client("iam")
    management.create_instance_profile(InstanceProfileName=profile)
    management.add_role_to_instance_profile(InstanceProfileName=profile, RoleName=role.rsplit("/", 1)[-1])
    instance_id = client.run_instances(ImageId="ami-0", MinCount=1, MaxCount=1, IamInstanceProfile={"Name": profile})[
        "Instances"
    ][0]["InstanceId"]

    def may_terminate(session_name):
        session = aws.client("ec2", aws.assume(role, session_name))
        try:
            session.terminate_instances(InstanceIds=[instance_id])
        except session.exceptions.ClientError as error:
            if "UnauthorizedOperation" not in json.dumps(error.response["Error"]):
                raise
            return False
        return True

    with aws.enforced_iam():
        return not may_terminate("someone-else") and may_terminate(instance_id)
