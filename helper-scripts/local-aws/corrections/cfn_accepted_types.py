"""Types that our templates need on AWS, and the local run does not, are accepted.

AWS: creates them.
MiniStack 1.5.33: refuses a template that names a type which it does not know.
This correction records such a resource and does nothing: no image is built, no budget watched, no address allocated.
What depends on one must be tested by its template.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-template-resource-type-ref.html
"""

import logging

from ministack.core.responses import get_account_id, get_region

from .cloudformation import add_type
from .probing import Aws

logger = logging.getLogger("corrections")

# `Ref` of these is the ARN; of the others, the name.
REF_IS_ARN = (
    "AWS::IAM::OIDCProvider",
    "AWS::ImageBuilder::Component",
    "AWS::ImageBuilder::ContainerRecipe",
    "AWS::ImageBuilder::DistributionConfiguration",
    "AWS::ImageBuilder::Image",
    "AWS::ImageBuilder::ImagePipeline",
    "AWS::ImageBuilder::ImageRecipe",
    "AWS::ImageBuilder::InfrastructureConfiguration",
    "AWS::ImageBuilder::LifecyclePolicy",
    "AWS::ImageBuilder::Workflow",
    "AWS::Lambda::MicrovmImage",
    "AWS::SecretsManager::ResourcePolicy",
    "AWS::StepFunctions::StateMachineAlias",
    "AWS::StepFunctions::StateMachineVersion",
)
REF_IS_NAME = (
    "AWS::Budgets::Budget",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::EC2::EIP",
    "AWS::EC2::FlowLog",
    "AWS::EC2::NatGateway",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::Events::EventBusPolicy",
    "AWS::IAM::ServiceLinkedRole",
    "AWS::Logs::QueryDefinition",
    "AWS::SSM::Document",
)


def apply() -> None:
    """Makes the types known, each with the attributes that templates ask of any of them."""
    for resource_type in (*REF_IS_ARN, *REF_IS_NAME):
        add_type(resource_type, _handlers(resource_type))


def _handlers(resource_type):
    _, service, kind = resource_type.lower().split("::")

    def create(logical_id, props, stack_name):
        name = props.get("Name") or f"{stack_name}-{logical_id}"
        arn = f"arn:aws:{service}:{get_region()}:{get_account_id()}:{kind}/{name}"
        logger.warning("%s %s is accepted, and does nothing here", resource_type, name)
        attributes = {
            "AllocationId": f"eipalloc-{name}",
            "Arn": arn,
            "Id": name,
            "ImageId": "ami-00000000000000000",
            "ImageUri": f"local/{name}",
            "Name": name,
            "NatGatewayId": f"nat-{name}",
            "PublicIp": "192.0.2.1",
            "QueryDefinitionId": name,
            "RoleName": name,
        }
        return (arn if resource_type in REF_IS_ARN else name), attributes

    def update(physical_id, old_props, new_props, stack_name, logical_id=None):
        _, attributes = create(logical_id or physical_id, new_props, stack_name)
        return physical_id, attributes

    return {
        "create": create,
        "update": update,
        "update_with_logical_id": True,
        "delete": lambda physical_id, props: None,
    }


def probe(aws: Aws) -> bool:
    """A stack that names every one of the types deploys, and can use what they return."""
    types = {f"R{number}": {"Type": name, "Properties": {}} for number, name in enumerate((*REF_IS_ARN, *REF_IS_NAME))}
    pipeline = next(name for name, resource in types.items() if resource["Type"].endswith("::ImagePipeline"))
    outputs = aws.deploy(types, {"Ref": {"Ref": pipeline}, "Arn": {"Fn::GetAtt": [pipeline, "Arn"]}})
    return outputs["Ref"] == outputs["Arn"] and ":imagebuilder:" in outputs["Arn"]
