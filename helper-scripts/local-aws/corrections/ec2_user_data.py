"""An instance tells what its launch template gave it: user data, and what a shutdown from inside does.

AWS: DescribeInstanceAttribute returns the user data in base64, and `stop` or `terminate` as
`instanceInitiatedShutdownBehavior`.
MiniStack 1.5.33: always returns an empty user data and `stop`.
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceAttribute.html
"""

import base64

from ministack.services import ec2

from .ec2_actions import edited, instances_in, launch_template_data, replace_action, value_of
from .probing import Aws, new_name

SHUTDOWN = "instanceInitiatedShutdownBehavior"


def apply() -> None:
    """Keeps the behaviour at launch, and answers both attributes from what was kept."""
    replace_action(
        "CreateFleet", lambda launch: _keep_shutdown(launch, "LaunchTemplateConfigs.1.LaunchTemplateSpecification")
    )
    replace_action("RunInstances", lambda launch: _keep_shutdown(launch, "LaunchTemplate"))
    replace_action("DescribeInstanceAttribute", _answer)


def _keep_shutdown(launch, template_prefix):
    def launch_and_keep(p):
        answer = launch(p)
        asked = value_of(p, "InstanceInitiatedShutdownBehavior")
        template = launch_template_data(p, template_prefix)
        for instance_id in instances_in(answer):
            ec2._instances[instance_id]["ShutdownBehavior"] = asked or template.get(
                "InstanceInitiatedShutdownBehavior", "stop"
            )
        return answer

    return launch_and_keep


def _answer(describe):
    def describe_attribute(p):
        answer = describe(p)
        instance = ec2._instances.get(value_of(p, "InstanceId"), {})
        attribute = value_of(p, "Attribute")
        if attribute == "userData" and instance.get("UserData"):
            return edited(answer, "<userData/>", f"<userData><value>{instance['UserData']}</value></userData>")
        if attribute == SHUTDOWN and instance.get("ShutdownBehavior"):
            return edited(answer, "<value>stop</value>", f"<value>{instance['ShutdownBehavior']}</value>")
        return answer

    return describe_attribute


def probe(aws: Aws) -> bool:
    """An instance of a fleet returns both as its launch template has them."""
    client = aws.client("ec2")
    script = base64.b64encode(b"#!/bin/bash\nshutdown -h now\n").decode()
    template = client.create_launch_template(
        LaunchTemplateName=new_name(),
        LaunchTemplateData={"UserData": script, "InstanceInitiatedShutdownBehavior": "terminate"},
    )["LaunchTemplate"]["LaunchTemplateId"]
    fleet = client.create_fleet(
        Type="instant",
        TargetCapacitySpecification={"TotalTargetCapacity": 1},
        LaunchTemplateConfigs=[{"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}}],
    )
    instance_id = fleet["Instances"][0]["InstanceIds"][0]
    user_data = client.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")["UserData"]
    shutdown = client.describe_instance_attribute(InstanceId=instance_id, Attribute=SHUTDOWN)
    client.terminate_instances(InstanceIds=[instance_id])
    return user_data.get("Value") == script and shutdown["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
