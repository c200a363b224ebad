"""An image id may be the name of a parameter.

AWS: `resolve:ssm:/path` as the image of a launch template is looked up at launch, and the instance shows the image
that it found.
MiniStack 1.5.33: launches with the text itself as image.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-launch-template.html (SSM parameter as AMI id)
"""

import json

from ministack.services import ec2, ssm

from .ec2_actions import LAUNCH_PARAMETERS
from .patching import expect_function, replace_function
from .probing import Aws, new_name

PREFIX = "resolve:ssm:"


def apply() -> None:
    """Looks the parameter up before the launch."""
    expect_function(ssm, "_get_parameter", "data")
    replace_function(ec2, "_launch_instances_internal", LAUNCH_PARAMETERS, _with_image)


def _with_image(launch):
    def launch_instances(*, image_id, **rest):
        if image_id.startswith(PREFIX):
            image_id = read_parameter(image_id.removeprefix(PREFIX)) or image_id
        return launch(image_id=image_id, **rest)

    return launch_instances


def read_parameter(name: str) -> str | None:
    """The value of an SSM parameter, none when there is no such parameter."""
    status, _, body = ssm._get_parameter({"Name": name})
    return json.loads(body)["Parameter"]["Value"] if status < 400 else None


def probe(aws: Aws) -> bool:
    """An instance of a template that names a parameter runs the parameter's image."""
    client = aws.client("ec2")
    image = "ami-0123456789abcdef0"
    parameter = f"/{new_name()}/ami"
    aws.client("ssm").put_parameter(Name=parameter, Value=image, Type="String")
    template = client.create_launch_template(
        LaunchTemplateName=new_name(), LaunchTemplateData={"ImageId": f"{PREFIX}{parameter}"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    fleet = client.create_fleet(
        Type="instant",
        TargetCapacitySpecification={"TotalTargetCapacity": 1},
        LaunchTemplateConfigs=[{"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}}],
    )
    ids = fleet["Instances"][0]["InstanceIds"]
    found = client.describe_instances(InstanceIds=ids)["Reservations"][0]["Instances"][0]["ImageId"]
    client.terminate_instances(InstanceIds=ids)
    return found == image
