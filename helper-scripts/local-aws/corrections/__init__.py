"""Corrections of MiniStack, a module each: what AWS does, what MiniStack does instead, and a probe that tells which."""

import importlib
from types import ModuleType

# In the order of their application; of two that replace the same function, the later one is called first.
NAMES = (
    "lambda_errors",
    "lambda_log_drain",
    "lambda_calls_under_way",
    "lambda_event_bus_destination",
    "lambda_image_containers",
    "ecr_missing_images",
    "states_start_delay",
    "states_lambda_event",
    "dynamodb_lost_updates",
    "cfn_accepted_types",
    "cfn_bucket_tags",
    "cfn_dynamodb_table",
    "cfn_events_archive",
    "cfn_http_api_endpoint",
    "cfn_metric_math_alarm",
    "cfn_secret_ref",
    "ec2_resolve_ssm",
    "ec2_subnet_zone",
    "ec2_user_data",
    "ec2_spot_lifecycle",
    "ec2_instance_filters",
    "ec2_fleet_errors",
    "ec2_state_events",
    "ec2_spot_interruptions",
    # Around all the others: what is repeated with a token passes through none of them.
    "ec2_client_token",
    "iam_secure_transport",
    "iam_policy_variables",
    "iam_batch_actions",
    "iam_event_source",
    "iam_dynamodb_keys",
    "iam_ssm_parameters",
    "iam_instance_credentials",
    "iam_ec2_launch",
)


def load(name: str) -> ModuleType:
    """The module of one correction, with its `apply()` and `probe(aws)`."""
    return importlib.import_module(f".{name}", __name__)
