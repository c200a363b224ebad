"""How a correction lets MiniStack ask IAM several questions about one request, where by itself it asks one."""

import contextvars
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ministack.core import iam_actions, iam_evaluator

from .patching import replace_function

logger = logging.getLogger("corrections")


@dataclass(frozen=True)
class Check:
    """One question to the evaluator: may the caller do this to that?"""

    action: str
    resource: str
    context: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What a service was asked: the parameters of a form, or the text of a JSON body."""

    parameters: dict[str, list[str]]
    body: bytes


ChecksOf = Callable[[str, Request, str], list[Check]]


def ask_for_each(service: str, checks_of: ChecksOf) -> None:
    """Lets `checks_of(action, request, region)` say what IAM is asked for a service; nothing leaves it to MiniStack."""
    # The evaluator does not see the request: it is kept on its way there.
    present: contextvars.ContextVar[Request | None] = contextvars.ContextVar(f"{service}_request", default=None)

    def remember(extract):
        def extract_resource_arn(asked, method, path, headers, body, query_params, region, account_id):
            present.set(Request(query_params, body) if asked == service else None)
            return extract(asked, method, path, headers, body, query_params, region, account_id)

        return extract_resource_arn

    def enforce_each(enforce):
        def enforce_all(access_key_id, iam_action, asked, region, resource_arn="*", service_context=None):
            request = present.get()
            checks = checks_of(iam_action, request, region) if asked == service and request else []
            if not checks:
                return enforce(access_key_id, iam_action, asked, region, resource_arn, service_context)
            for check in checks:
                denied = enforce(access_key_id, check.action, asked, region, check.resource, check.context)
                if denied:
                    # The answer to the caller names only the action of the request.
                    logger.warning("%s on %s is denied, which %s needs", check.action, check.resource, iam_action)
                    return denied
            return None

        return enforce_all

    replace_function(
        iam_actions,
        "extract_resource_arn",
        "service, method, path, headers, body, query_params, region, account_id",
        remember,
    )
    replace_function(
        iam_evaluator,
        "enforce",
        "access_key_id, iam_action, service, region, resource_arn, service_context",
        enforce_each,
    )
