"""Asking for an image that a repository does not have is an error.

AWS: DescribeImages answers `ImageNotFoundException` when it is asked for a tag or digest that is not there.
MiniStack 1.5.33: answers with an empty list, from which the CDK concludes that an image was published long ago: it
neither builds nor tags it, and the function's image is nowhere.
Source: https://docs.aws.amazon.com/AmazonECR/latest/APIReference/API_DescribeImages.html
"""

import json

from ministack.core.responses import error_response_json
from ministack.services import ecr

from .patching import expect_function, replace_function
from .probing import Aws, new_name


def apply() -> None:
    """Looks for what is asked for first."""
    expect_function(ecr, "_find_image", "repo_name, image_id")
    replace_function(ecr, "_describe_images", "data", _refuse_missing)


def _refuse_missing(describe):
    def describe_images(data):
        repository = data.get("repositoryName", "")
        missing = [image for image in data.get("imageIds") or [] if not ecr._find_image(repository, image)]
        if missing and repository in ecr._repositories:
            message = f"The image with imageId {json.dumps(missing[0])} does not exist within the repository {repository}"
            return error_response_json("ImageNotFoundException", message, 400)
        return describe(data)

    return describe_images


def probe(aws: Aws) -> bool:
    """An image that is not there is refused, and one that is there is described."""
    client = aws.client("ecr")
    name = new_name()
    client.create_repository(repositoryName=name)
    try:
        client.put_image(repositoryName=name, imageManifest='{"schemaVersion": 2}', imageTag="there")
        there = client.describe_images(repositoryName=name, imageIds=[{"imageTag": "there"}])["imageDetails"]
        try:
            client.describe_images(repositoryName=name, imageIds=[{"imageTag": "not-there"}])
        except client.exceptions.ImageNotFoundException:
            return len(there) == 1 and len(client.describe_images(repositoryName=name)["imageDetails"]) == 1
        return False
    finally:
        client.delete_repository(repositoryName=name, force=True)
