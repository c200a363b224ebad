"""The endpoint of an HTTP API can be called as it is.

AWS: `ApiEndpoint` is a URL that answers, at the stage `$default` without any stage in its path.
MiniStack 1.5.33: `ApiEndpoint` is `http://{id}.execute-api.localhost:{port}`, a name that Node does not resolve on
most systems. It serves the same API under `/_aws/execute-api/{id}` of its own address.
Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-publish.html
"""

import os
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from ministack.services import apigateway

from .cloudformation import CREATE, replace_handler
from .probing import PATIENCE_SECONDS, Aws

TYPE = "AWS::ApiGatewayV2::Api"


def apply() -> None:
    """Gives out the address that can be called."""
    replace_handler(TYPE, "create", CREATE, _create)


def _create(create):
    def create_api(logical_id, props, stack_name):
        api_id, attributes = create(logical_id, props, stack_name)
        api = apigateway._apis[api_id]
        if api["protocolType"] == "HTTP":
            gateway = f"{os.environ['MINISTACK_HOST']}:{os.environ.get('GATEWAY_PORT', '4566')}"
            api["apiEndpoint"] = f"http://{gateway}/_aws/execute-api/{api_id}"
        return api_id, {**attributes, "ApiEndpoint": api["apiEndpoint"]}

    return create_api


def probe(aws: Aws) -> bool:
    """A call of the endpoint that a stack returns arrives at the function behind it."""
    function = aws.node_function("export const handler = async (event) => ({ statusCode: 202, body: event.rawPath });")
    integration = {
        "ApiId": {"Ref": "Api"},
        "IntegrationType": "AWS_PROXY",
        "PayloadFormatVersion": "2.0",
        "IntegrationUri": f"arn:aws:lambda:{aws.region}:000000000000:function:{function}",
    }
    target = {"Fn::Join": ["/", ["integrations", {"Ref": "Integration"}]]}
    endpoint = aws.deploy(
        {
            "Api": {"Type": TYPE, "Properties": {"Name": "probe", "ProtocolType": "HTTP"}},
            "Stage": {
                "Type": "AWS::ApiGatewayV2::Stage",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "StageName": "$default",
                    "AutoDeploy": True,
                },
            },
            "Integration": {"Type": "AWS::ApiGatewayV2::Integration", "Properties": integration},
            "Route": {
                "Type": "AWS::ApiGatewayV2::Route",
                "Properties": {
                    "ApiId": {"Ref": "Api"},
                    "RouteKey": "POST /hook",
                    "Target": target,
                },
            },
        },
        {"Endpoint": {"Fn::GetAtt": ["Api", "ApiEndpoint"]}},
    )["Endpoint"]
    if not endpoint.startswith(aws.endpoint):
        return False
    try:
        with urlopen(Request(f"{endpoint}/hook", data=b"{}", method="POST"), timeout=PATIENCE_SECONDS) as answer:
            return (answer.status, answer.read()) == (202, b"/hook")
    except HTTPError:
        return False
