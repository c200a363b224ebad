"""Who may send a message may send several.

AWS: the batch operations of SQS have no permissions of their own; SendMessageBatch needs `sqs:SendMessage`, and so on.
MiniStack 1.5.33: asks for `sqs:SendMessageBatch`, which nobody can be granted on AWS.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsqs.html
"""

from ministack.core import iam_actions

from .patching import replace_function
from .probing import Aws

SUFFIX = "Batch"


def apply() -> None:
    """Asks for the permission of the single operation."""
    replace_function(iam_actions, "extract_iam_action", "service, method, path, headers, body, query_params", _single)


def _single(extract):
    def extract_iam_action(service, method, path, headers, body, query_params):
        action = extract(service, method, path, headers, body, query_params)
        return action.removesuffix(SUFFIX) if service == "sqs" and action else action

    return extract_iam_action


def probe(aws: Aws) -> bool:
    """A sender gets two messages into a queue with one call."""
    queue = aws.queue()
    send = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": aws.queue_arn(queue)}
    sender = aws.client("sqs", aws.assume(aws.role({"Statement": [send]}, "lambda.amazonaws.com")))
    entries = [{"Id": name, "MessageBody": "{}"} for name in ("one", "two")]
    with aws.enforced_iam():
        return len(sender.send_message_batch(QueueUrl=queue, Entries=entries)["Successful"]) == 2
