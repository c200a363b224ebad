"""What EC2 asks IAM before it does something: one question per action and resource, with the condition keys of each.

Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
"""

from collections.abc import Iterator
from typing import Any

from ministack.core.responses import get_account_id
from ministack.services import ec2, iam

from .authorization import Check
from .ec2_actions import Parameters, launch_template_data, numbered, value_of
from .ec2_resolve_ssm import PREFIX, read_parameter

TAG_PREFIXES = ("TagSpecification", "TagSpecifications")
KIND_BY_PREFIX = {
    "i": "instance",
    "lt": "launch-template",
    "vol": "volume",
    "fleet": "fleet",
    "eni": "network-interface",
}


def checks_of(action: str, p: Parameters, region: str) -> list[Check]:
    """The questions of an action; none for an action that MiniStack's own single question fits."""
    if action in ("ec2:CreateFleet", "ec2:RunInstances"):
        return [*_launch_checks(action, p, region)]
    if action == "ec2:TerminateInstances":
        ids = ec2._parse_member_list(p, "InstanceId")
        return [Check(action, _arn(region, "instance", i), _tags_of_resource(i)) for i in ids]
    if action in ("ec2:CreateTags", "ec2:DeleteTags"):
        tags = _request_tags({entry["Key"]: entry["Value"] for entry in numbered(p, "Tag", "Key", "Value")})
        ids = ec2._parse_member_list(p, "ResourceId")
        return [Check(action, _arn(region, _kind(i), i), {**_tags_of_resource(i), **tags}) for i in ids]
    return []


def _launch_checks(action: str, p: Parameters, region: str) -> Iterator[Check]:
    fleet = action == "ec2:CreateFleet"
    template_prefix = "LaunchTemplateConfigs.1.LaunchTemplateSpecification" if fleet else "LaunchTemplate"
    data = launch_template_data(p, template_prefix)
    template = _template_id(p, template_prefix)
    asked_tags = _tags_by_kind(p, data)
    actions = ["ec2:CreateFleet", "ec2:RunInstances"] if fleet else [action]
    about_launch = _launch_context(p, data, template, region, fleet)
    # What the request names itself is no resource of the template, even where both name the same.
    of_template = {*_used_resources({}, data, region, False)} - {*_used_resources(p, {}, region, fleet)}

    if fleet:
        yield Check(action, _arn(region, "fleet", "*"), _request_tags(asked_tags.get("fleet", {})))
    for one in actions:
        about = about_launch if one == "ec2:RunInstances" else _without_template(about_launch)
        if template:
            yield Check(one, _arn(region, "launch-template", template), {**about, **_tags_of_resource(template)})
        for arn in _used_resources(p, data, region, fleet):
            is_of_template = {"ec2:IsLaunchTemplateResource": "true" if arn in of_template else "false"}
            about_resource = {**about, **(is_of_template if about is about_launch else {})}
            yield Check(one, arn, {**about_resource, **_tags_of_resource(arn.rsplit("/", 1)[-1])})
        for kind in ("instance", "volume", "network-interface"):
            yield Check(one, _arn(region, kind, "*"), {**about, **_request_tags(asked_tags.get(kind, {}))})
    for kind, tags in asked_tags.items():
        context = {**_request_tags(tags), "ec2:CreateAction": action.removeprefix("ec2:")}
        yield Check("ec2:CreateTags", _arn(region, kind, "*"), context)
    yield from _role_checks(p, data)
    image = value_of(p, "ImageId") or data.get("ImageId", "")
    if image.startswith(PREFIX):
        path = image.removeprefix(PREFIX).split(":")[0]
        yield Check("ssm:GetParameters", f"arn:aws:ssm:{region}:{get_account_id()}:parameter/{path.lstrip('/')}")


def _used_resources(p: Parameters, data: dict[str, Any], region: str, fleet: bool) -> Iterator[str]:
    overrides = numbered(p, "LaunchTemplateConfigs.1.Overrides", "SubnetId", "ImageId", "InstanceType") if fleet else []
    named = {entry["ImageId"] for entry in overrides if entry["ImageId"]} or {value_of(p, "ImageId")}
    for image in sorted(filter(None, named)) or [data.get("ImageId")]:
        if image and image.startswith(PREFIX):
            image = read_parameter(image.removeprefix(PREFIX)) or image
        if image:
            yield f"arn:aws:ec2:{region}::image/{image}"
    subnets = {entry["SubnetId"] for entry in overrides} or {value_of(p, "SubnetId"), data.get("SubnetId")}
    for subnet in sorted(filter(None, subnets)):
        yield _arn(region, "subnet", subnet)
    for group in ec2._parse_member_list(p, "SecurityGroupId") or data.get("SecurityGroupIds") or []:
        yield _arn(region, "security-group", group)


def _launch_context(p, data, template, region, fleet):
    overrides = numbered(p, "LaunchTemplateConfigs.1.Overrides", "InstanceType", "SubnetId") if fleet else []
    types = sorted({entry["InstanceType"] for entry in overrides if entry["InstanceType"]})
    spot = value_of(p, "TargetCapacitySpecification.DefaultTargetCapacityType") == "spot"
    context = {
        "ec2:InstanceProfile": _instance_profile(p, data).get("Arn"),
        "ec2:InstanceType": types or value_of(p, "InstanceType") or data.get("InstanceType"),
        "ec2:InstanceMarketType": "spot" if spot else "on-demand",
        "ec2:IsLaunchTemplateResource": "true" if template else "false",
        "ec2:LaunchTemplate": _arn(region, "launch-template", template) if template else None,
        "ec2:MetadataHttpTokens": (data.get("MetadataOptions") or {}).get("HttpTokens"),
        "ec2:Region": region,
    }
    return {name: value for name, value in context.items() if value is not None}


def _role_checks(p: Parameters, data: dict[str, Any]) -> Iterator[Check]:
    for role_name in _instance_profile(p, data).get("Roles", []):
        role = iam._roles.get(role_name)
        if role:
            yield Check("iam:PassRole", role["Arn"], {"iam:PassedToService": "ec2.amazonaws.com"})


def _without_template(context: dict[str, Any]) -> dict[str, Any]:
    """CreateFleet does not say which template its instances are from: only RunInstances has these keys."""
    return {key: value for key, value in context.items() if "LaunchTemplate" not in key}


def _instance_profile(p: Parameters, data: dict[str, Any]) -> dict[str, Any]:
    profile = data.get("IamInstanceProfile") or {}
    name = value_of(p, "IamInstanceProfile.Name") or profile.get("Name", "")
    arn = value_of(p, "IamInstanceProfile.Arn") or profile.get("Arn", "")
    return (iam._lookup_instance_profile(name=name, arn=arn) if name or arn else None) or {}


def _template_id(p: Parameters, prefix: str) -> str:
    name = value_of(p, f"{prefix}.LaunchTemplateName")
    named = (key for key, template in ec2._launch_templates.items() if template["LaunchTemplateName"] == name)
    return value_of(p, f"{prefix}.LaunchTemplateId") or next(named, "")


def _tags_by_kind(p: Parameters, data: dict[str, Any]) -> dict[str, dict[str, str]]:
    """The tags asked for, by the kind of resource; those of the launch template count as asked for."""
    tags: dict[str, dict[str, str]] = {}
    for entry in data.get("TagSpecifications") or []:
        tags.setdefault(entry["ResourceType"], {}).update({tag["Key"]: tag["Value"] for tag in entry["Tags"]})
    for prefix in TAG_PREFIXES:
        for number, entry in enumerate(numbered(p, prefix, "ResourceType"), 1):
            for member in ("Tag", "Tags"):
                asked = numbered(p, f"{prefix}.{number}.{member}", "Key", "Value")
                tags.setdefault(entry["ResourceType"], {}).update({tag["Key"]: tag["Value"] for tag in asked})
    return tags


def _request_tags(tags: dict[str, str]) -> dict[str, Any]:
    keys: dict[str, Any] = {f"aws:RequestTag/{key}": value for key, value in tags.items()}
    return {**keys, "aws:TagKeys": list(tags)} if tags else {}


def _tags_of_resource(resource_id: str) -> dict[str, str]:
    return {f"aws:ResourceTag/{tag['Key']}": tag["Value"] for tag in ec2._tags.get(resource_id) or []}


def _kind(resource_id: str) -> str:
    return KIND_BY_PREFIX.get(resource_id.split("-")[0], "*")


def _arn(region: str, kind: str, resource_id: str) -> str:
    return f"arn:aws:ec2:{region}:{get_account_id()}:{kind}/{resource_id}"
