"""An archive of an event bus comes from the template.

AWS: `AWS::Events::Archive` creates the archive; `Ref` is its name.
MiniStack 1.5.33: archives work through the API, but a template that names the type is refused as a whole.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-events-archive.html
"""

import json

from ministack.services import eventbridge
from ministack.services.cloudformation import provisioners

from .cloudformation import add_type, checked
from .patching import expect_function
from .probing import Aws, new_name

TYPE = "AWS::Events::Archive"
LONGEST_NAME = 48


def apply() -> None:
    """Makes the type known."""
    for name in ("_create_archive", "_update_archive", "_delete_archive"):
        expect_function(eventbridge, name, "data")
    add_type(TYPE, {"create": _create, "update": _update, "update_with_logical_id": True, "delete": _delete})


def _request(name, props):
    pattern = props.get("EventPattern")
    return {
        "ArchiveName": name,
        "EventSourceArn": props["SourceArn"],
        "Description": props.get("Description", ""),
        "EventPattern": json.dumps(pattern) if pattern else "",
        "RetentionDays": int(props.get("RetentionDays", 0)),
    }


def _attributes(name):
    return {"Arn": eventbridge._archives[name]["ArchiveArn"], "ArchiveName": name}


def _name(props, logical_id, stack_name):
    return props.get("ArchiveName") or provisioners._physical_name(stack_name, logical_id, max_len=LONGEST_NAME)


def _create(logical_id, props, stack_name):
    name = _name(props, logical_id, stack_name)
    checked(eventbridge._create_archive(_request(name, props)), TYPE)
    return name, _attributes(name)


def _update(physical_id, old_props, new_props, stack_name, logical_id=None):
    name = _name(new_props, logical_id or physical_id, stack_name)
    if name != physical_id or old_props.get("SourceArn") != new_props.get("SourceArn"):
        # Both properties mean another archive.
        _delete(physical_id, old_props)
        return _create(logical_id or physical_id, new_props, stack_name)
    checked(eventbridge._update_archive(_request(name, new_props)), TYPE)
    return name, _attributes(name)


def _delete(physical_id, props):
    if physical_id in eventbridge._archives:
        checked(eventbridge._delete_archive({"ArchiveName": physical_id}), TYPE)


def probe(aws: Aws) -> bool:
    """An archive from a template keeps an event of its bus."""
    events = aws.client("events")
    bus = new_name()
    bus_arn = events.create_event_bus(Name=bus)["EventBusArn"]
    properties = {"SourceArn": bus_arn, "RetentionDays": 3, "EventPattern": {"source": ["probe"]}}
    name = aws.deploy({"Archive": {"Type": TYPE, "Properties": properties}}, {"Name": {"Ref": "Archive"}})["Name"]
    events.put_events(Entries=[{"EventBusName": bus, "Source": "probe", "DetailType": "Probe", "Detail": "{}"}])
    archive = events.describe_archive(ArchiveName=name)
    return (archive["RetentionDays"], archive["EventCount"]) == (3, 1)
