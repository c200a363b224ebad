"""Variables in policies stand for values of the request.

AWS: `${aws:userid}`, `${aws:ResourceTag/Name}` and the like are replaced, in resources and in the values of
conditions, before a policy is evaluated; a statement with a variable that has no value matches nothing.
MiniStack 1.5.33: compares with the text `${...}` itself, so that a grant never matches and, worse, a denial never
does.
Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html
"""

import json
import re
from dataclasses import replace

from ministack.core import iam_evaluator

from .patching import expect_function, replace_function
from .probing import Aws

VARIABLE = re.compile(r"\$\{([^},]+)(?:,\s*'([^']*)')?\}")
# How a policy writes the characters that would otherwise be wildcards or begin a variable.
LITERALS = {"*", "?", "$"}


class NoValueError(Exception):
    """A variable has no value in this request."""


def apply() -> None:
    """Replaces the variables of each statement just before it is matched."""
    expect_function(iam_evaluator, "_resolve_condition_key", "key, ctx")
    replace_function(iam_evaluator, "_first_match", "ctx, stmts, effect", _with_values)
    replace_function(iam_evaluator, "_names_condition_key", "policies, prefix", _look_at_values_too)


def _with_values(first_match):
    def match(ctx, stmts, effect):
        for statement in stmts:
            try:
                resolved = replace(
                    statement,
                    resources=_resolve(statement.resources, ctx),
                    not_resources=_resolve(statement.not_resources, ctx),
                    conditions=_resolve(statement.conditions, ctx),
                )
            except NoValueError:
                continue
            if first_match(ctx, [resolved], effect):
                return statement
        return None

    return match


def _resolve(part, ctx):
    if isinstance(part, dict):
        return {name: _resolve(value, ctx) for name, value in part.items()}
    if isinstance(part, list):
        return [_resolve(value, ctx) for value in part]
    return VARIABLE.sub(lambda variable: _value(variable, ctx), part) if isinstance(part, str) else part


def _value(variable, ctx) -> str:
    name, default = variable.groups()
    if name in LITERALS:
        return name
    value = iam_evaluator._resolve_condition_key(name, ctx)
    if value is None and default is None or isinstance(value, list):
        raise NoValueError(name)
    return default if value is None else str(value)


def _look_at_values_too(names_condition_key):
    """The tags of a resource are looked up only where a policy asks for them, which it may do in a variable."""

    def names_key(policies, prefix):
        statements = [statement for policy in policies for statement in policy]
        return names_condition_key(policies, prefix) or any(
            f"${{{prefix}" in json.dumps([s.resources, s.not_resources, s.conditions]).lower() for s in statements
        )

    return names_key


def probe(aws: Aws) -> bool:
    """A session may read the item whose table is named like it, and not another."""
    own, other = aws.table(), aws.table()
    arn = f"arn:aws:dynamodb:{aws.region}:*:table/${{aws:PrincipalTag/table}}"
    role = aws.role(
        {"Statement": [{"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": arn}]}, "ec2.amazonaws.com"
    )
    aws.client("iam").tag_role(RoleName=role.rsplit("/", 1)[-1], Tags=[{"Key": "table", "Value": own}])
    client = aws.client("dynamodb", aws.assume(role))

    def may_read(table):
        try:
            client.get_item(TableName=table, Key={"pk": {"S": "x"}})
        except client.exceptions.ClientError:
            return False
        return True

    with aws.enforced_iam():
        return may_read(own) and not may_read(other)
