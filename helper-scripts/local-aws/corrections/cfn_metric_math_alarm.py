"""An alarm may be set on an expression over several metrics.

AWS: an alarm has either one metric or `Metrics`, a list of queries of which one is the expression that it watches.
MiniStack 1.5.33: refuses `Metrics`.
This correction only keeps such an alarm: it is listed with its queries and stays at `INSUFFICIENT_DATA`.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cloudwatch-alarm.html
"""

from ministack.services.cloudformation import provisioners

from .patching import replace_function
from .probing import Aws

# A metric that nobody publishes: what MiniStack evaluates in the place of the expression.
NO_METRIC = {"Namespace": "MetricMath", "MetricName": "expression"}


def apply() -> None:
    """Keeps the queries beside a metric that never has a value."""
    replace_function(provisioners, "_cw_metric_alarm_record", "name, props", _record)


def _record(record):
    def alarm_record(name, props):
        queries = props.get("Metrics")
        if not queries:
            return record(name, props)
        rest = {key: value for key, value in props.items() if key != "Metrics"}
        return {**record(name, {**rest, **NO_METRIC}), "Metrics": queries}

    return alarm_record


def probe(aws: Aws) -> bool:
    """A stack with such an alarm deploys, and the alarm is there."""
    stat = {"Metric": {"Namespace": "Probe", "MetricName": "Failed"}, "Period": 60, "Stat": "Sum"}
    properties = {
        "ComparisonOperator": "GreaterThanThreshold",
        "Threshold": 1,
        "EvaluationPeriods": 1,
        "Metrics": [
            {"Id": "ratio", "Expression": "failed / 2", "ReturnData": True},
            {"Id": "failed", "MetricStat": stat, "ReturnData": False},
        ],
    }
    alarm = {"Alarm": {"Type": "AWS::CloudWatch::Alarm", "Properties": properties}}
    name = aws.deploy(alarm, {"Name": {"Ref": "Alarm"}})["Name"]
    found = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return [alarm["StateValue"] for alarm in found] == ["INSUFFICIENT_DATA"]
