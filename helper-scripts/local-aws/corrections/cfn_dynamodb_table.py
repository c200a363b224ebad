"""A table gets its expiry, its backups and active indexes from the template.

AWS: `TimeToLiveSpecification` and `PointInTimeRecoverySpecification` are in force when the stack is complete, and
DescribeTable reports each index with a status.
MiniStack 1.5.33: drops both properties (items never expire) and reports indexes without a status.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

from ministack.services import dynamodb

from .cloudformation import after_create_and_update, checked, is_true
from .patching import expect_function
from .probing import Aws

TYPE = "AWS::DynamoDB::Table"
GLOBAL_TYPE = "AWS::DynamoDB::GlobalTable"


def apply() -> None:
    """Sends the dropped properties to DynamoDB once the table is there."""
    expect_function(dynamodb, "_update_ttl", "data")
    expect_function(dynamodb, "_update_continuous_backups", "data")
    after_create_and_update(TYPE, _complete)
    after_create_and_update(GLOBAL_TYPE, _complete_global, update="physical_id, old_props, new_props, stack_name")


def _complete_global(name, props) -> None:
    """A global table, which is what CDK's `TableV2` makes, has the setting for backups in each of its replicas."""
    replicas = props.get("Replicas") or [{}]
    _complete(name, {**props, "PointInTimeRecoverySpecification": replicas[0].get("PointInTimeRecoverySpecification")})


def _complete(name, props) -> None:
    table = dynamodb._tables[name]
    # New records: the ones in place belong to the template, and a change in them would look like a change of the index.
    indexes = [{**index, "IndexStatus": "ACTIVE"} for index in table.get("GlobalSecondaryIndexes") or []]
    table["GlobalSecondaryIndexes"] = indexes
    if expiry := props.get("TimeToLiveSpecification"):
        setting = {"AttributeName": expiry["AttributeName"], "Enabled": is_true(expiry.get("Enabled"))}
        checked(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": setting}), TYPE)
    if recovery := props.get("PointInTimeRecoverySpecification"):
        setting = {"PointInTimeRecoveryEnabled": is_true(recovery.get("PointInTimeRecoveryEnabled"))}
        checked(
            dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": setting}), TYPE
        )


def probe(aws: Aws) -> bool:
    """A table of either kind has all three."""
    attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "live")]
    backups = {"PointInTimeRecoveryEnabled": True}
    properties = {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "GlobalSecondaryIndexes": [
            {
                "IndexName": "live",
                "Projection": {"ProjectionType": "ALL"},
                "KeySchema": [{"AttributeName": "live", "KeyType": "HASH"}],
            }
        ],
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
    }
    replica = {"Region": aws.region, "PointInTimeRecoverySpecification": backups}
    tables = {
        "Plain": {"Type": TYPE, "Properties": {**properties, "PointInTimeRecoverySpecification": backups}},
        "Global": {"Type": GLOBAL_TYPE, "Properties": {**properties, "Replicas": [replica]}},
    }
    names = aws.deploy(tables, {name: {"Ref": name} for name in tables})
    return all(_is_complete(aws, name) for name in names.values())


def _is_complete(aws: Aws, name: str) -> bool:
    client = aws.client("dynamodb")
    expiry = client.describe_time_to_live(TableName=name)["TimeToLiveDescription"]
    backups = client.describe_continuous_backups(TableName=name)["ContinuousBackupsDescription"]
    index = client.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"][0]
    return (
        (expiry["TimeToLiveStatus"], expiry.get("AttributeName")) == ("ENABLED", "expires")
        and backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
        and index.get("IndexStatus") == "ACTIVE"
    )
