"""A fleet reports what it could not launch inside a successful answer.

AWS: CreateFleet `instant` answers 200 with what it launched, and in `Errors` one entry for each pool (override) that
failed, such as `InsufficientInstanceCapacity` or `InvalidSubnetID.NotFound`; both can be there together.
MiniStack 1.5.33: launches everything that it is asked for, also into subnets that do not exist.
Capacity runs out at will: the SSM parameter `/chaos/ec2/no-capacity` lists what has none: instance types, subnet ids,
`spot`, `on-demand`, or `*`; `max=2` gives a launch no more than two instances.
Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateFleet.html
"""

from ministack.services import ec2

from .ec2_actions import edited, launch_template_data, numbered, replace_action, value_of
from .ec2_resolve_ssm import PREFIX, read_parameter
from .probing import Aws, new_name

CHAOS_PARAMETER = "/chaos/ec2/no-capacity"
NO_CAPACITY = "InsufficientInstanceCapacity"
MEMBERS = ("InstanceType", "SubnetId")
TEMPLATE = ("LaunchTemplateId", "LaunchTemplateName", "Version")


def apply() -> None:
    """Takes the pools that fail out of the request, and adds them to its answer."""
    replace_action("CreateFleet", _with_errors)


def _with_errors(launch):
    def create_fleet(p):
        if value_of(p, "Type") != "instant":
            return launch(p)
        chaos = [word.strip() for word in (read_parameter(CHAOS_PARAMETER) or "").split(",") if word.strip()]
        request, failures, pools_left = _without_failing_pools(p, chaos)
        limit = next((int(word.removeprefix("max=")) for word in chaos if word.startswith("max=")), None)
        capacity = "TargetCapacitySpecification.TotalTargetCapacity"
        if limit is not None and int(value_of(p, capacity)) > limit:
            request[capacity] = [str(limit)]
            failures.append((NO_CAPACITY, {}, {}))
            pools_left = pools_left and limit > 0
        if not failures:
            return launch(p)
        errors = f"<errorSet>{''.join(_error_item(p, *failure) for failure in failures)}</errorSet>"
        if not pools_left:
            fleet_id = f"fleet-{ec2.new_uuid()}"
            return ec2._xml(200, "CreateFleetResponse", f"<fleetId>{fleet_id}</fleetId><fleetInstanceSet/>{errors}")
        answer = launch(request)
        return edited(answer, "<errorSet/>", errors) if answer[0] < 400 else answer

    return create_fleet


def _without_failing_pools(p, chaos):
    """The request with only the pools that can launch, the failures, and whether anything is left to launch."""
    rest = {name: value for name, value in p.items() if not name.startswith("LaunchTemplateConfigs.")}
    failures, configs_left = [], 0
    for number, template in enumerate(_templates(p), 1):
        prefix = f"LaunchTemplateConfigs.{number}"
        data = launch_template_data(p, f"{prefix}.LaunchTemplateSpecification")
        overrides = numbered(p, f"{prefix}.Overrides", *MEMBERS)
        left = []
        for override in overrides or [{}]:
            code = _failure(p, {**_pool_of(data), **{k: v for k, v in override.items() if v}}, chaos)
            if code:
                failures.append((code, template, override))
            else:
                left.append(override)
        if left:
            configs_left += 1
            _write_config(rest, configs_left, template, left)
    return rest, failures, configs_left > 0


def _templates(p):
    templates = []
    while True:
        prefix = f"LaunchTemplateConfigs.{len(templates) + 1}"
        template = {member: value_of(p, f"{prefix}.LaunchTemplateSpecification.{member}") for member in TEMPLATE}
        if not any(template.values()) and not numbered(p, f"{prefix}.Overrides", *MEMBERS):
            return templates
        templates.append(template)


def _pool_of(data):
    return {member: data[member] for member in ("ImageId", *MEMBERS) if data.get(member)}


def _failure(p, pool, chaos):
    lifecycle = value_of(p, "TargetCapacitySpecification.DefaultTargetCapacityType") or "on-demand"
    subnet, image = pool.get("SubnetId"), pool.get("ImageId", "")
    if subnet and subnet not in ec2._subnets:
        return "InvalidSubnetID.NotFound"
    if image.startswith(PREFIX) and read_parameter(image.removeprefix(PREFIX)) is None:
        return "InvalidParameterValue"
    return NO_CAPACITY if {"*", lifecycle, pool.get("InstanceType"), subnet} & set(chaos) else None


def _write_config(rest, number, template, overrides):
    prefix = f"LaunchTemplateConfigs.{number}"
    for member, value in template.items():
        if value:
            rest[f"{prefix}.LaunchTemplateSpecification.{member}"] = [value]
    for position, override in enumerate(overrides, 1):
        for member, value in override.items():
            if value:
                rest[f"{prefix}.Overrides.{position}.{member}"] = [value]


def _error_item(p, code, template, override):
    lifecycle = value_of(p, "TargetCapacitySpecification.DefaultTargetCapacityType") or "on-demand"

    def elements(values):
        return "".join(
            f"<{name[0].lower()}{name[1:]}>{value}</{name[0].lower()}{name[1:]}>"
            for name, value in values.items()
            if value
        )

    pool = ", ".join(filter(None, override.values()))
    return (
        f"<item><errorCode>{code}</errorCode><errorMessage>{code}: {pool}</errorMessage>"
        f"<lifecycle>{lifecycle}</lifecycle><launchTemplateAndOverrides>"
        f"<launchTemplateSpecification>{elements(template)}</launchTemplateSpecification>"
        f"<overrides>{elements(override)}</overrides></launchTemplateAndOverrides></item>"
    )


def probe(aws: Aws) -> bool:
    """A bad subnet and a type without capacity are errors beside the instance launched; then nothing is launched."""
    client, ssm = aws.client("ec2"), aws.client("ssm")
    subnet = client.describe_subnets()["Subnets"][0]["SubnetId"]
    template = client.create_launch_template(LaunchTemplateName=new_name(), LaunchTemplateData={"ImageId": "ami-0"})[
        "LaunchTemplate"
    ]["LaunchTemplateId"]

    def launch(*overrides):
        specification = {"LaunchTemplateId": template, "Version": "1"}
        fleet = client.create_fleet(
            Type="instant",
            LaunchTemplateConfigs=[{"LaunchTemplateSpecification": specification, "Overrides": [*overrides]}],
            TargetCapacitySpecification={"TotalTargetCapacity": 1, "DefaultTargetCapacityType": "spot"},
        )
        types = [group["InstanceType"] for group in fleet["Instances"]]
        ids = [instance_id for group in fleet["Instances"] for instance_id in group["InstanceIds"]]
        if ids:
            client.terminate_instances(InstanceIds=ids)
        return types, [(error["ErrorCode"], error["Lifecycle"]) for error in fleet["Errors"]]

    ssm.put_parameter(Name=CHAOS_PARAMETER, Value="c7g.large", Type="String", Overwrite=True)
    try:
        some = launch(
            {"InstanceType": "c7g.large", "SubnetId": subnet},
            {"InstanceType": "m7g.large", "SubnetId": "subnet-00000000"},
            {"InstanceType": "m7g.large", "SubnetId": subnet},
        )
        none = launch({"InstanceType": "c7g.large", "SubnetId": subnet})
    finally:
        ssm.delete_parameter(Name=CHAOS_PARAMETER)
    return some == (["m7g.large"], [(NO_CAPACITY, "spot"), ("InvalidSubnetID.NotFound", "spot")]) and none == (
        [],
        [(NO_CAPACITY, "spot")],
    )
