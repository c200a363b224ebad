"""An instance that changes its state is an event on the default bus.

AWS: `EC2 Instance State-change Notification` for every state, also for the passing ones.
MiniStack 1.5.33: no events.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/monitoring-instance-state-changes.html
"""

import json

from ministack.services import ec2, eventbridge

from .ec2_actions import instance_arn, replace_action
from .patching import expect_function
from .probing import Aws, wait_for

DETAIL_TYPE = "EC2 Instance State-change Notification"
ACTIONS = ("CreateFleet", "RunInstances", "StartInstances", "StopInstances", "TerminateInstances")
# MiniStack goes straight to a state; AWS passes through another one on its way.
ON_THE_WAY = {"running": "pending", "stopped": "stopping", "terminated": "shutting-down"}


def apply() -> None:
    """Compares the states before and after each action that changes them."""
    expect_function(eventbridge, "_put_events", "data, allow_aws_source")
    for action in ACTIONS:
        replace_action(action, _announce)


def _states() -> dict[str, str]:
    return {instance_id: instance["State"]["Name"] for instance_id, instance in ec2._instances.items()}


def _announce(action):
    def act_and_announce(p):
        before = _states()
        answer = action(p)
        for instance_id, state in _states().items():
            if before.get(instance_id) != state:
                for passed in (ON_THE_WAY.get(state), state):
                    if passed:
                        _put(instance_id, passed)
        return answer

    return act_and_announce


def _put(instance_id: str, state: str) -> None:
    detail = json.dumps({"instance-id": instance_id, "state": state})
    entry = {"Source": "aws.ec2", "DetailType": DETAIL_TYPE, "Detail": detail, "Resources": [instance_arn(instance_id)]}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def probe(aws: Aws) -> bool:
    """A launch and a termination are four events of one instance."""
    events, client = aws.client("events"), aws.client("ec2")
    queue = aws.queue()
    rule = queue.rsplit("/", 1)[-1]
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.ec2"], "detail-type": [DETAIL_TYPE]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": aws.queue_arn(queue)}])
    instance_id = client.run_instances(ImageId="ami-0", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    client.terminate_instances(InstanceIds=[instance_id])
    seen = []

    def all_seen():
        seen.extend(event["detail"]["state"] for event in aws.drain(queue) if instance_id in event["resources"][0])
        return len(seen) >= 4

    try:
        wait_for(all_seen, seconds=3)
    except TimeoutError:
        return False
    finally:
        events.remove_targets(Rule=rule, Ids=["queue"])
        events.delete_rule(Name=rule)
    return sorted(seen) == sorted(["pending", "running", "shutting-down", "terminated"])
