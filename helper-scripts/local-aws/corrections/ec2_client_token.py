"""A launch that is repeated with its client token happens once.

AWS: the same token with the same parameters gets the first answer again; with other parameters it is refused as
`IdempotentParameterMismatch`, and once its instances are terminated as `IdempotentInstanceTerminated`.
MiniStack 1.5.33: ignores `ClientToken`, so a redelivered message launches again.
Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
"""

from ministack.core.responses import get_account_id, get_region
from ministack.services import ec2

from .ec2_actions import instances_in, refusal, replace_action, value_of
from .probing import Aws, new_name

# Not parameters of the launch.
NOT_COMPARED = ("ClientToken", "Action", "Version", "AWSAccessKeyId", "Signature", "Timestamp")


def apply() -> None:
    """Remembers the answers of launches by their tokens."""
    replace_action("CreateFleet", _once)
    replace_action("RunInstances", _once)


def _once(launch):
    answers = {}

    def launch_once(p):
        token = value_of(p, "ClientToken")
        if not token:
            return launch(p)
        key = (get_account_id(), get_region(), token)
        request = sorted((name, str(value)) for name, value in p.items() if name not in NOT_COMPARED)
        if key not in answers:
            answer = launch(p)
            if answer[0] < 400:
                answers[key] = (request, answer)
            return answer
        first_request, first_answer = answers[key]
        if request != first_request:
            return refusal(
                "IdempotentParameterMismatch",
                f"The client token '{token}' was used before with other parameters",
            )
        instances = instances_in(first_answer)
        if instances and all(_is_terminated(instance_id) for instance_id in instances):
            return refusal(
                "IdempotentInstanceTerminated",
                f"The instances launched with the client token '{token}' are terminated",
            )
        return first_answer

    return launch_once


def _is_terminated(instance_id: str) -> bool:
    instance = ec2._instances.get(instance_id)
    return instance is None or instance["State"]["Name"] == "terminated"


def probe(aws: Aws) -> bool:
    """The three answers that a token used again can get, and a new token for the same parameters."""
    client = aws.client("ec2")
    template = client.create_launch_template(
        LaunchTemplateName=new_name(), LaunchTemplateData={"ImageId": "ami-00000000000000000"}
    )["LaunchTemplate"]["LaunchTemplateId"]

    def launch(token, count):
        try:
            fleet = client.create_fleet(
                Type="instant",
                ClientToken=token,
                LaunchTemplateConfigs=[{"LaunchTemplateSpecification": {"LaunchTemplateId": template, "Version": "1"}}],
                TargetCapacitySpecification={"TotalTargetCapacity": count, "DefaultTargetCapacityType": "spot"},
            )
        except client.exceptions.ClientError as error:
            return error.response["Error"]["Code"]
        return [instance_id for group in fleet["Instances"] for instance_id in group["InstanceIds"]]

    token = new_name()
    first, again, other = launch(token, 2), launch(token, 2), launch(token, 1)
    another = launch(new_name(), 2)
    client.terminate_instances(InstanceIds=first)
    terminated = launch(token, 2)
    client.terminate_instances(InstanceIds=another)
    return (
        again == first
        and other == "IdempotentParameterMismatch"
        and terminated == "IdempotentInstanceTerminated"
        and not set(another) & set(first)
    )
