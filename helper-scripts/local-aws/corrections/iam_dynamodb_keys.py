"""A policy can restrict DynamoDB by partition key and by what a write returns.

AWS: `dynamodb:LeadingKeys` holds the partition keys that a request names, `dynamodb:ReturnValues` its parameter of
that name.
MiniStack 1.5.33: knows neither key, so that a grant which is conditioned on one never matches.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

import json
import re

from ministack.core import iam_actions
from ministack.services import dynamodb

from .patching import expect_function, replace_function
from .probing import Aws

EQUALS = re.compile(r"([#\w.-]+)\s*=\s*(:\w+)")


def apply() -> None:
    """Adds both keys to the context of a request."""
    expect_function(dynamodb, "_normalize_table_name", "value")
    replace_function(iam_actions, "dynamodb_service_context", "body", _with_keys)


def _with_keys(context_of):
    def service_context(body):
        context = context_of(body)
        try:
            request = json.loads(body or b"{}")
        except ValueError:
            return context
        if isinstance(request, dict):
            context["dynamodb:ReturnValues"] = request.get("ReturnValues", "NONE")
            if keys := [key for key in _leading_keys(request) if key is not None]:
                context["dynamodb:LeadingKeys"] = keys
        return context

    return service_context


def _leading_keys(request):
    if table := request.get("TableName"):
        yield _key_of(table, request.get("Key") or request.get("Item") or {})
        yield _queried_key(table, request)
    for transaction in request.get("TransactItems") or []:
        for operation in transaction.values():
            yield _key_of(operation.get("TableName", ""), operation.get("Key") or operation.get("Item") or {})
    for table, entries in (request.get("RequestItems") or {}).items():
        writes = [write for entry in entries for write in entry.values()] if isinstance(entries, list) else []
        for write in writes:
            yield _key_of(table, write.get("Key") or write.get("Item") or {})
        for key in entries.get("Keys", []) if isinstance(entries, dict) else []:
            yield _key_of(table, key)


def _partition_key(table: str) -> str:
    return (dynamodb._tables.get(dynamodb._normalize_table_name(table)) or {}).get("pk_name", "")


def _key_of(table, item):
    value = item.get(_partition_key(table))
    return next(iter(value.values())) if isinstance(value, dict) else None


def _queried_key(table, request):
    names = request.get("ExpressionAttributeNames") or {}
    values = request.get("ExpressionAttributeValues") or {}
    for name, placeholder in EQUALS.findall(request.get("KeyConditionExpression") or ""):
        if names.get(name, name) == _partition_key(table) and placeholder in values:
            return next(iter(values[placeholder].values()))
    return None


def probe(aws: Aws) -> bool:
    """Who may delete one item, if it asks for the old one, may do that and nothing else with the table."""
    table = aws.table()
    condition = {
        "ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["mine"]},
        "StringEquals": {"dynamodb:ReturnValues": "ALL_OLD"},
    }
    role = aws.role(
        {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "dynamodb:DeleteItem",
                    "Condition": condition,
                    "Resource": f"arn:aws:dynamodb:{aws.region}:*:table/{table}",
                }
            ]
        },
        "ec2.amazonaws.com",
    )
    root = aws.client("dynamodb")
    for key in ("mine", "yours"):
        root.put_item(TableName=table, Item={"pk": {"S": key}})
    client = aws.client("dynamodb", aws.assume(role))

    def deleted(key, **how):
        try:
            return client.delete_item(TableName=table, Key={"pk": {"S": key}}, **how).get("Attributes")
        except client.exceptions.ClientError:
            return "refused"

    with aws.enforced_iam():
        answers = [deleted("yours", ReturnValues="ALL_OLD"), deleted("mine"), deleted("mine", ReturnValues="ALL_OLD")]
    return answers == ["refused", "refused", {"pk": {"S": "mine"}}]
