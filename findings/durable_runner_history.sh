#!/usr/bin/env bash
# aws-durable-execution-sdk-python-testing 1.4.0 leaves the details of invocations out of a history.
#
# Lambda's GetDurableExecutionHistory has InvocationCompletedDetails (StartTimestamp, EndTimestamp,
# RequestId) in each InvocationCompleted event. The local runner knows them, and its history has the
# event without them, so nothing that AWS's conformance suite (aws-durable-execution-conformance-tests
# 1.0.0) demands of these events can pass on it.
# (https://docs.aws.amazon.com/lambda/latest/api/API_InvocationCompletedDetails.html)
#
# Exits with 0 while that is so, and with 1 once it has changed.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

python3 -m venv "$place/venv"
"$place/venv/bin/pip" install --quiet --disable-pip-version-check \
    "aws-durable-execution-sdk-python==3.0.0" "aws-durable-execution-sdk-python-testing==1.4.0"

cat > "$place/history.py" <<'PYTHON'
from aws_durable_execution_sdk_python import durable_execution
from aws_durable_execution_sdk_python_testing import DurableFunctionTestRunner


@durable_execution
def handler(event, context):
    return context.step(lambda _: "done", name="work")


with DurableFunctionTestRunner(handler=handler) as runner:
    arn = runner.run_async(input="{}")
    runner.wait_for_result(arn)
    [known] = runner._executor.get_execution(arn).invocation_completions
    [event] = [
        event
        for event in runner._executor.get_execution_history(arn).to_dict()["Events"]
        if event["EventType"] == "InvocationCompleted"
    ]
print("the runner knows:", ", ".join(sorted(known.to_dict())))
print("its history has:", ", ".join(sorted(event)))
PYTHON

output=$("$place/venv/bin/python" "$place/history.py")
echo "aws-durable-execution-sdk-python-testing 1.4.0"
echo "$output"
expected="the runner knows: EndTimestamp, RequestId, StartTimestamp
its history has: EventId, EventTimestamp, EventType"
[[ $output == "$expected" ]] || { echo "This has changed."; exit 1; }
