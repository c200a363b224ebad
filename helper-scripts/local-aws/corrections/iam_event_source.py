"""A policy can restrict what kind of events somebody puts on a bus.

AWS: `events:source` and `events:detail-type` hold what the entries of PutEvents say.
MiniStack 1.5.33: knows neither key, so that a grant which is conditioned on one never matches.
Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
"""

import json

from ministack.core import iam_actions

from .patching import replace_function
from .probing import Aws

MEMBERS = {"events:source": "Source", "events:detail-type": "DetailType"}


def apply() -> None:
    """Adds both keys to the context of a request."""
    replace_function(iam_actions, "request_tag_context", "service, iam_action, body, params", _with_source)


def _with_source(context_of):
    def request_context(service, iam_action, body, params):
        context = context_of(service, iam_action, body, params)
        if iam_action == "events:PutEvents":
            entries = json.loads(body or b"{}").get("Entries") or []
            for key, member in MEMBERS.items():
                values = sorted({entry.get(member, "") for entry in entries})
                # A condition without a set operator is about a single value.
                context[key] = values[0] if len(values) == 1 else values
        return context

    return request_context


def probe(aws: Aws) -> bool:
    """Who may put events of one source may put those, and no others."""
    condition = {"StringEquals": {"events:source": "probe.own"}}
    role = aws.role(
        {"Statement": [{"Effect": "Allow", "Action": "events:PutEvents", "Resource": "*", "Condition": condition}]},
        "lambda.amazonaws.com",
    )
    client = aws.client("events", aws.assume(role))

    def may_put(source):
        try:
            client.put_events(Entries=[{"Source": source, "DetailType": "Probe", "Detail": "{}"}])
        except client.exceptions.ClientError:
            return False
        return True

    with aws.enforced_iam():
        return may_put("probe.own") and not may_put("probe.other")
