"""A failed asynchronous call is reported to an event bus.

AWS: with an event bus as on-failure destination, the last failure becomes an event: source `lambda`, detail-type
`Lambda Function Invocation Result - Failure`, and in its detail the request, the answer and the number of tries.
MiniStack 1.5.33: knows queues, topics and functions as destinations; a bus gets nothing but a line in the log.
Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import json
from datetime import UTC, datetime

from ministack.services import eventbridge, lambda_svc

from .patching import expect_function, replace_function
from .probing import Aws, new_name, wait_for

DETAIL_TYPE = "Lambda Function Invocation Result - Failure"


def apply() -> None:
    """Adds the missing kind of destination."""
    expect_function(eventbridge, "_put_events", "data, allow_aws_source")
    replace_function(lambda_svc, "_route_async_failure", "target_arn, func_name, event, result", _route_to_bus)


def _route_to_bus(route):
    def route_failure(target_arn, func_name, event, result):
        if ":event-bus/" not in target_arn:
            return route(target_arn, func_name, event, result)
        record = _failure_record(func_name, event, result)
        return eventbridge._put_events(
            {
                "Entries": [
                    {
                        "Source": "lambda",
                        "DetailType": DETAIL_TYPE,
                        "EventBusName": target_arn,
                        "Detail": json.dumps(record),
                        "Resources": [target_arn, record["requestContext"]["functionArn"]],
                    }
                ]
            }
        )

    return route_failure


def _failure_record(func_name, event, result):
    function = lambda_svc._functions.get(func_name) or {}
    settings = function.get("event_invoke_config") or (function.get("event_invoke_configs") or {}).get("$LATEST") or {}
    retries = settings.get("MaximumRetryAttempts")
    return {
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "requestContext": {
            "requestId": lambda_svc.new_uuid(),
            "functionArn": f"{function.get('config', {}).get('FunctionArn', '')}:$LATEST",
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 1 + (2 if retries is None else int(retries)),
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": result.get("body"),
    }


def probe(aws: Aws) -> bool:
    """The failure of a function with no retries reaches a rule on its bus, with what was asked and what went wrong."""
    events = aws.client("events")
    bus = new_name()
    bus_arn = events.create_event_bus(Name=bus)["EventBusArn"]
    queue = aws.queue()
    events.put_rule(Name=bus, EventBusName=bus, EventPattern=json.dumps({"source": ["lambda"]}))
    events.put_targets(Rule=bus, EventBusName=bus, Targets=[{"Id": "queue", "Arn": aws.queue_arn(queue)}])

    client = aws.client("lambda")
    name = aws.node_function("export const handler = async () => { throw new Error('lost'); };")
    client.put_function_event_invoke_config(
        FunctionName=name, MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": bus_arn}}
    )
    client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"job": 1}))
    try:
        event = wait_for(lambda: aws.drain(queue), seconds=3)[0]
    except TimeoutError:
        return False
    detail = event["detail"]
    return (
        event["detail-type"] == DETAIL_TYPE
        and detail["requestPayload"] == {"job": 1}
        and (detail["responsePayload"]["errorType"], detail["responsePayload"]["errorMessage"]) == ("Error", "lost")
        and detail["responseContext"]["functionError"] == "Unhandled"
        and detail["requestContext"]["condition"] == "RetriesExhausted"
        and detail["requestContext"]["approximateInvokeCount"] == 1
    )
