"""An instance on the spot market says so.

AWS: `InstanceLifecycle` of a spot instance is `spot` in DescribeInstances, and absent for an instance on demand.
MiniStack 1.5.33: never reports it.
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
"""

from ministack.services import ec2

from .ec2_actions import instances_in, launch_template_data, replace_action, value_of
from .patching import PatchTargetError, replace_function
from .probing import Aws, new_name


def apply() -> None:
    """Keeps how an instance was asked for, and shows it."""
    replace_action("CreateFleet", lambda launch: _mark(launch, _fleet_is_spot))
    replace_action("RunInstances", lambda launch: _mark(launch, _run_is_spot))
    replace_function(ec2, "_instance_xml", "inst", _show)


def _fleet_is_spot(p):
    return value_of(p, "TargetCapacitySpecification.DefaultTargetCapacityType").lower() == "spot"


def _run_is_spot(p):
    options = launch_template_data(p, "LaunchTemplate").get("InstanceMarketOptions") or {}
    return "spot" in (value_of(p, "InstanceMarketOptions.MarketType"), options.get("MarketType"))


def _mark(launch, is_spot):
    def launch_and_mark(p):
        answer = launch(p)
        if is_spot(p):
            for instance_id in instances_in(answer):
                ec2._instances[instance_id]["InstanceLifecycle"] = "spot"
        return answer

    return launch_and_mark


def _show(render):
    def instance_xml(inst):
        xml = render(inst)
        if not xml.startswith("<item>"):
            raise PatchTargetError("ec2._instance_xml", "an <item>")
        lifecycle = inst.get("InstanceLifecycle")
        return (
            xml.replace("<item>", f"<item><instanceLifecycle>{lifecycle}</instanceLifecycle>", 1) if lifecycle else xml
        )

    return instance_xml


def probe(aws: Aws) -> bool:
    """Of two fleets, only the instance on the spot market has a lifecycle; so has one from RunInstances."""
    client = aws.client("ec2")
    template = client.create_launch_template(LaunchTemplateName=new_name(), LaunchTemplateData={"ImageId": "ami-0"})[
        "LaunchTemplate"
    ]["LaunchTemplateId"]

    def launched_by_fleet(capacity_type):
        return client.create_fleet(
            Type="instant",
            TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": capacity_type},
            LaunchTemplateConfigs=[{"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}}],
        )["Instances"][0]["InstanceIds"][0]

    run = client.run_instances(ImageId="ami-0", MinCount=1, MaxCount=1, InstanceMarketOptions={"MarketType": "spot"})
    ids = [launched_by_fleet("spot"), launched_by_fleet("on-demand"), run["Instances"][0]["InstanceId"]]
    reservations = client.describe_instances(InstanceIds=ids)["Reservations"]
    found = {i["InstanceId"]: i.get("InstanceLifecycle") for r in reservations for i in r["Instances"]}
    client.terminate_instances(InstanceIds=ids)
    return [found[instance_id] for instance_id in ids] == ["spot", None, "spot"]
