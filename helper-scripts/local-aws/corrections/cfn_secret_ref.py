"""`Ref` of a secret is its ARN.

AWS: `Ref` returns the ARN, with the six random characters at its end, and CDK's grants are written with it.
MiniStack 1.5.33: returns the name, so that a granted reader of the secret is refused when IAM is enforced.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-secretsmanager-secret.html
"""

from ministack.services import secretsmanager

from .cloudformation import CREATE, DELETE, UPDATE, replace_handler
from .probing import Aws

TYPE = "AWS::SecretsManager::Secret"


def apply() -> None:
    """Shows CloudFormation the ARN, and the functions behind it the name that they know."""
    replace_handler(TYPE, "create", CREATE, _create)
    replace_handler(TYPE, "update", UPDATE, _update)
    replace_handler(TYPE, "delete", DELETE, lambda delete: lambda arn, props: delete(_name(arn), props))


def _create(create):
    def create_secret(logical_id, props, stack_name):
        _, attributes = create(logical_id, props, stack_name)
        return attributes["Arn"], attributes

    return create_secret


def _update(update):
    def update_secret(arn, old_props, new_props, stack_name, logical_id=None):
        _, attributes = update(_name(arn), old_props, new_props, stack_name, logical_id)
        return attributes["Arn"], attributes

    return update_secret


def _name(arn: str) -> str:
    secrets = secretsmanager._secrets.items()
    return next((name for name, secret in secrets if secret.get("ARN") == arn), arn)


def probe(aws: Aws) -> bool:
    """The output of `Ref` is the ARN that Secrets Manager itself tells."""
    properties = {"GenerateSecretString": {"PasswordLength": 20}}
    reference = aws.deploy({"Secret": {"Type": TYPE, "Properties": properties}}, {"Ref": {"Ref": "Secret"}})["Ref"]
    return reference == aws.client("secretsmanager").describe_secret(SecretId=reference)["ARN"]
