"""A spot instance can be interrupted on purpose, and the default bus hears EC2's warning.

AWS: `EC2 Spot Instance Interruption Warning`, two minutes ahead; Fault Injection Service brings it about with the right
`ec2:SendSpotInstanceInterruptions`, which is the name of the action here too (as a call of one's own AWS does not document it).
MiniStack 1.5.33: knows neither.
Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html
"""

import json
import urllib.parse
import urllib.request

from ministack.services import ec2, eventbridge

from .ec2_actions import instance_arn, refusal, value_of
from .patching import PatchTargetError, expect_function
from .probing import Aws, wait_for

ACTION = "SendSpotInstanceInterruptions"
DETAIL_TYPE = "EC2 Spot Instance Interruption Warning"


def apply() -> None:
    """Adds the action."""
    expect_function(eventbridge, "_put_events", "data, allow_aws_source")
    if ACTION in ec2._ACTION_MAP:
        raise PatchTargetError(f"ec2._ACTION_MAP[{ACTION!r}]", "the action to be unknown")
    ec2._ACTION_MAP[ACTION] = _warn


def _warn(p):
    instance_id = value_of(p, "InstanceId.1")
    if instance_id not in ec2._instances:
        return refusal("InvalidInstanceID.NotFound", f"The instance ID '{instance_id}' does not exist")
    detail = json.dumps({"instance-id": instance_id, "instance-action": "terminate"})
    entry = {"Source": "aws.ec2", "DetailType": DETAIL_TYPE, "Detail": detail, "Resources": [instance_arn(instance_id)]}
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)
    return 200, {"Content-Type": "text/xml"}, f"<{ACTION}Response><return>true</return></{ACTION}Response>".encode()


def probe(aws: Aws) -> bool:
    """A warning for one instance is one event on the default bus."""
    events, client = aws.client("events"), aws.client("ec2")
    queue = aws.queue()
    rule = queue.rsplit("/", 1)[-1]
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": ["aws.ec2"], "detail-type": [DETAIL_TYPE]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": aws.queue_arn(queue)}])
    instance_id = client.run_instances(ImageId="ami-0", MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    form = urllib.parse.urlencode({"Action": ACTION, "Version": "2016-11-15", "InstanceId.1": instance_id}).encode()
    scope = f"AKIAFAKE/20300101/{aws.region}/ec2/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    seen = []

    def warned():
        seen.extend(event["detail"]["instance-id"] for event in aws.drain(queue))
        return instance_id in seen

    try:
        urllib.request.urlopen(urllib.request.Request(aws.endpoint, data=form, headers=headers)).close()
        wait_for(warned, seconds=3)
    except (OSError, TimeoutError):
        return False
    finally:
        client.terminate_instances(InstanceIds=[instance_id])
        events.remove_targets(Rule=rule, Ids=["queue"])
        events.delete_rule(Name=rule)
    return seen == [instance_id]
