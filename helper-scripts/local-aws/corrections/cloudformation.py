"""What the CloudFormation corrections share: how MiniStack creates, changes and deletes one type of resource."""

from collections.abc import Callable
from typing import Any

from ministack.services.cloudformation import provisioners

from .patching import PatchTargetError, replace_entry

CREATE = "logical_id, props, stack_name"
UPDATE = "physical_id, old_props, new_props, stack_name, logical_id"
DELETE = "physical_id, props"


def handlers_of(resource_type: str) -> dict[str, Any]:
    """The functions by which MiniStack handles a type; raises `PatchTargetError` when it does not know the type."""
    handlers = provisioners._RESOURCE_HANDLERS.get(resource_type)
    if handlers is None:
        raise PatchTargetError(f"provisioners._RESOURCE_HANDLERS[{resource_type!r}]", "the handlers of the type")
    return handlers


def replace_handler(resource_type: str, operation: str, parameters: str, build: Callable[..., Any]) -> None:
    """Puts `build(original)` in the place of one operation of a type."""
    replace_entry(handlers_of(resource_type), operation, parameters, build, resource_type)


def add_type(resource_type: str, handlers: dict[str, Any]) -> None:
    """Makes a type known; raises `PatchTargetError` when MiniStack knows it by now, and this can go."""
    if resource_type in provisioners._RESOURCE_HANDLERS:
        raise PatchTargetError(f"provisioners._RESOURCE_HANDLERS[{resource_type!r}]", "the type to be unknown")
    provisioners._RESOURCE_HANDLERS[resource_type] = handlers


def after_create_and_update(
    resource_type: str, act: Callable[[str, dict[str, Any]], None], update: str = UPDATE
) -> None:
    """Calls `act(physical_id, props)` whenever a resource of the type was created or changed."""

    def after_create(create):
        def create_and_act(logical_id, props, stack_name):
            physical_id, attributes = create(logical_id, props, stack_name)
            act(physical_id, props)
            return physical_id, attributes

        return create_and_act

    def after_update(change):
        def change_and_act(old_id, old_props, new_props, stack_name, *logical_id):
            physical_id, attributes = change(old_id, old_props, new_props, stack_name, *logical_id)
            act(physical_id, new_props)
            return physical_id, attributes

        return change_and_act

    replace_handler(resource_type, "create", CREATE, after_create)
    replace_handler(resource_type, "update", update, after_update)


def checked(answer: tuple[int, dict[str, str], Any], resource_type: str) -> None:
    """Turns a refusal of a service into the failure of the resource."""
    if answer[0] >= 400:
        raise ValueError(f"{resource_type}: {answer[2]!r}")


def is_true(value: Any) -> bool:
    """A boolean property, which a template may carry as text."""
    return str(value).lower() == "true"
