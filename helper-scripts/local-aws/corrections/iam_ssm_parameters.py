"""A read of several parameters is authorized parameter by parameter.

AWS: GetParameters is checked on each name, GetParametersByPath on its path.
MiniStack 1.5.33: checks both on `*`, which a grant that names parameters never matches.
Source: https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html
"""

import json

from ministack.core.responses import get_account_id

from .authorization import Check, Request, ask_for_each
from .probing import Aws, new_name

ACTIONS = ("ssm:GetParameters", "ssm:GetParametersByPath")


def apply() -> None:
    """Asks for each name or path of the request."""
    ask_for_each("ssm", _checks_of)


def _checks_of(action: str, request: Request, region: str) -> list[Check]:
    if action not in ACTIONS:
        return []
    asked = json.loads(request.body or b"{}")
    names = asked.get("Names") or [asked.get("Path", "")]
    prefix = f"arn:aws:ssm:{region}:{get_account_id()}:parameter/"
    return [Check(action, prefix + name.split(":")[0].strip("/")) for name in names]


def probe(aws: Aws) -> bool:
    """Who may read one folder gets what is in it, by name and by path, and nothing beside it."""
    own, other = f"/{new_name()}", f"/{new_name()}"
    for folder in (own, other):
        aws.client("ssm").put_parameter(Name=f"{folder}/value", Value="x", Type="String")
    arn = f"arn:aws:ssm:{aws.region}:*:parameter{own}"
    role = aws.role(
        {"Statement": [{"Effect": "Allow", "Action": "ssm:*", "Resource": [arn, f"{arn}/*"]}]}, "lambda.amazonaws.com"
    )
    client = aws.client("ssm", aws.assume(role))

    def count(read, **what):
        try:
            return len(read(**what)["Parameters"])
        except client.exceptions.ClientError:
            return None

    with aws.enforced_iam():
        return [
            count(client.get_parameters, Names=[f"{own}/value"]),
            count(client.get_parameters, Names=[f"{own}/value", f"{other}/value"]),
            count(client.get_parameters_by_path, Path=own),
            count(client.get_parameters_by_path, Path=other),
        ] == [1, None, 1, None]
