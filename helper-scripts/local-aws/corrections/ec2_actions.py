"""What the EC2 corrections share: the actions of MiniStack's EC2, their form parameters and their XML answers."""

import re
from collections.abc import Callable
from typing import Any
from xml.sax.saxutils import escape

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from .patching import PatchTargetError, replace_entry

Parameters = dict[str, list[str]]
Answer = tuple[int, dict[str, str], bytes]
LAUNCH_PARAMETERS = (
    "image_id, instance_type, subnet_id, count, key_name, user_data, sg_ids, requested_private_ip, iam_profile"
)
INSTANCE_ID = re.compile(r"\bi-[0-9a-f]{8,17}\b")
ActionOf = Callable[[Callable[[Parameters], Answer]], Callable[[Parameters], Answer]]


def replace_action(name: str, build: ActionOf) -> None:
    """Puts `build(original)` in the place of one action."""
    if not isinstance(ec2._ACTION_MAP, dict):
        raise PatchTargetError("ec2._ACTION_MAP", "the table of actions")
    replace_entry(ec2._ACTION_MAP, name, "p", build, "ec2._ACTION_MAP")


def value_of(parameters: Parameters, name: str) -> str:
    """One form parameter, empty when it is not there."""
    values = parameters.get(name) or [""]
    return values if isinstance(values, str) else values[0]


def numbered(parameters: Parameters, prefix: str, *members: str) -> list[dict[str, str]]:
    """The entries `prefix.1.member`, `prefix.2.member`, ... as far as one of the members is there."""
    entries: list[dict[str, str]] = []
    while True:
        entry = {member: value_of(parameters, f"{prefix}.{len(entries) + 1}.{member}") for member in members}
        if not any(entry.values()):
            return entries
        entries.append(entry)


def refusal(code: str, message: str) -> Answer:
    """An answer that the SDKs raise as the error `code`."""
    return ec2._error(code, escape(message), 400)


def edited(answer: Answer, old: str, new: str) -> Answer:
    """An answer with one passage of its XML replaced; raises `PatchTargetError` when it is not there exactly once."""
    text = answer[2].decode()
    if text.count(old) != 1:
        raise PatchTargetError("the XML answer of EC2", f"exactly one occurrence of {old!r}")
    return answer[0], answer[1], text.replace(old, new).encode()


def instances_in(answer: Answer) -> list[str]:
    """The ids of the instances that an answer names, each once."""
    return list(dict.fromkeys(INSTANCE_ID.findall(answer[2].decode())))


def instance_arn(instance_id: str) -> str:
    """The ARN of an instance in the account and region of the present request."""
    return f"arn:aws:ec2:{get_region()}:{get_account_id()}:instance/{instance_id}"


def launch_template_data(parameters: Parameters, prefix: str) -> dict[str, Any]:
    """The data of the launch template that parameters name under a prefix; empty when they name none."""
    members = ("LaunchTemplateId", "LaunchTemplateName", "Version")
    data, _, problem = ec2._resolve_launch_template_data({m: value_of(parameters, f"{prefix}.{m}") for m in members})
    return {} if problem else data
