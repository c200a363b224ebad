"""A launch is authorized resource by resource.

AWS: CreateFleet and RunInstances are checked on the launch template, image, subnet, security groups, and on the
instance, volume and network interface that they create, each with its own condition keys; tagging on creation is
`ec2:CreateTags` with `ec2:CreateAction`; the role of the instance profile needs `iam:PassRole`. Termination and
tagging are checked on every instance named.
MiniStack 1.5.33: checks a launch once, on `*`, which a grant that names resources never matches, and a termination
only on the first instance.
Where AWS does not document which of the two actions an instant fleet needs on a resource, both are asked for.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

import json

from ministack.services import iam

from .authorization import ask_for_each
from .ec2_authorization import checks_of
from .patching import expect_function
from .probing import Aws, new_name


def apply() -> None:
    """Asks once per resource instead of once."""
    expect_function(iam, "_lookup_instance_profile", "name, arn")
    ask_for_each("ec2", lambda action, request, region: checks_of(action, request.parameters, region))


def probe(aws: Aws) -> bool:
    """Who may launch only tagged instances of a template's image may do just that, and terminate only tagged ones."""
    tag = {"Key": "owner", "Value": new_name()}
    ours = {"StringEquals": {"aws:RequestTag/owner": tag["Value"]}}
    ec2_arn = f"arn:aws:ec2:{aws.region}:*"
    launch = ["ec2:CreateFleet", "ec2:RunInstances"]
    used = [
        f"{ec2_arn}:launch-template/*",
        f"{ec2_arn}:subnet/*",
        f"{ec2_arn}:fleet/*",
    ]
    images = f"arn:aws:ec2:{aws.region}::image/*"
    created = [f"{ec2_arn}:instance/*"]
    role = aws.role(
        {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": launch,
                    "Resource": [*used, f"{ec2_arn}:volume/*", f"{ec2_arn}:network-interface/*"],
                },
                {"Effect": "Allow", "Action": "ec2:CreateFleet", "Resource": images},
                {
                    "Effect": "Allow",
                    "Action": "ec2:RunInstances",
                    "Resource": images,
                    "Condition": {"Bool": {"ec2:IsLaunchTemplateResource": "true"}},
                },
                {"Effect": "Allow", "Action": [*launch, "ec2:CreateTags"], "Resource": created, "Condition": ours},
                {
                    "Effect": "Allow",
                    "Action": "ec2:TerminateInstances",
                    "Resource": created,
                    "Condition": {"StringEquals": {"aws:ResourceTag/owner": tag["Value"]}},
                },
            ]
        },
        "lambda.amazonaws.com",
    )
    root = aws.client("ec2")
    template = root.create_launch_template(LaunchTemplateName=new_name(), LaunchTemplateData={"ImageId": "ami-0"})
    foreign = root.run_instances(ImageId="ami-0", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    client = aws.client("ec2", aws.assume(role))

    def launch_fleet(*tags):
        specification = {"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"}
        return client.create_fleet(
            Type="instant",
            LaunchTemplateConfigs=[{"LaunchTemplateSpecification": specification}],
            TagSpecifications=[{"ResourceType": "instance", "Tags": [*tags]}] if tags else [],
            TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"},
        )["Instances"][0]["InstanceIds"]

    def run_another_image():
        return client.run_instances(
            LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"]},
            ImageId="ami-1",
            MinCount=1,
            MaxCount=1,
            TagSpecifications=[{"ResourceType": "instance", "Tags": [tag]}],
        )

    def allowed(act):
        try:
            return act()
        except client.exceptions.ClientError as error:
            if "UnauthorizedOperation" not in json.dumps(error.response["Error"]):
                raise
            return None

    with aws.enforced_iam():
        untagged = allowed(launch_fleet)
        other = allowed(run_another_image)
        tagged = allowed(lambda: launch_fleet(tag))
        others = allowed(lambda: client.terminate_instances(InstanceIds=[*(tagged or []), foreign]))
        own = allowed(lambda: client.terminate_instances(InstanceIds=tagged or []))
    return bool(tagged and own) and not untagged and not other and not others
