"""A call within this machine counts as encrypted.

AWS: everybody calls over TLS, and policies that deny the rest (`aws:SecureTransport` false, which `enforceSSL` of
queues and buckets writes) deny nobody.
MiniStack 1.5.33: speaks plain HTTP, so that with IAM enforced nobody gets to such a queue or bucket.
Source:
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-securetransport
"""

import json

from ministack.core import iam_evaluator

from .patching import replace_function
from .probing import Aws


def apply() -> None:
    """Answers the condition key as AWS would."""
    replace_function(iam_evaluator, "_resolve_condition_key", "key, ctx", _secure)


def _secure(resolve):
    def resolve_key(key, ctx):
        return "true" if key.lower() == "aws:securetransport" else resolve(key, ctx)

    return resolve_key


def probe(aws: Aws) -> bool:
    """A granted sender gets a message into a queue that denies what is not encrypted."""
    queue = aws.queue()
    arn = aws.queue_arn(queue)
    deny = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sqs:*",
        "Resource": arn,
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    aws.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps({"Statement": [deny]})})
    role = aws.role(
        {"Statement": [{"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}]}, "lambda.amazonaws.com"
    )
    sender = aws.client("sqs", aws.assume(role))
    with aws.enforced_iam():
        return bool(sender.send_message(QueueUrl=queue, MessageBody="{}")["MessageId"])
