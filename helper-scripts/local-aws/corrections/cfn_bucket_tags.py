"""A bucket gets its tags from the template.

AWS: the tags are on the bucket. CDK's `autoDeleteObjects` empties a bucket only while it carries
`aws-cdk:auto-delete-objects`.
MiniStack 1.5.33: drops them, so `cdk destroy` finds the bucket full and fails.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from ministack.services import s3
from ministack.services.cloudformation import provisioners

from .cloudformation import after_create_and_update
from .patching import expect_function
from .probing import Aws

TYPE = "AWS::S3::Bucket"


def apply() -> None:
    """Puts the tags where S3 keeps them."""
    expect_function(provisioners, "_tag_map", "tags")
    after_create_and_update(TYPE, _tag, update="physical_id, old_props, new_props, stack_name")


def _tag(name, props) -> None:
    if "Tags" in props:
        s3._bucket_tags[name] = provisioners._tag_map(props["Tags"])
    else:
        s3._bucket_tags.pop(name, None)


def probe(aws: Aws) -> bool:
    """A bucket from a template carries its tag."""
    tags = [{"Key": "purpose", "Value": "probe"}]
    name = aws.deploy({"Bucket": {"Type": TYPE, "Properties": {"Tags": tags}}}, {"Name": {"Ref": "Bucket"}})["Name"]
    return tags[0] in aws.client("s3").get_bucket_tagging(Bucket=name)["TagSet"]
