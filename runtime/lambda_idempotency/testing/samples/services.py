"""Events of other services."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

from .sample import Sample

_COGNITO: Final = {
    "version": "1",
    "triggerSource": "PostConfirmation_ConfirmSignUp",
    "userPoolId": "p",
    "userName": "ann",
    "region": "us-east-1",
    "request": {},
    "response": {},
}
_SES: Final = {
    "Records": [
        {
            "eventSource": "aws:ses",
            "eventVersion": "1.0",
            "ses": {"mail": {"messageId": "s-1", "commonHeaders": {}}, "receipt": {}},
        }
    ]
}
_TASK: Final = {"executionId": "x:1", "stateName": "Charge", "mapIndex": 0, "order": 7}
_DESTINATION: Final = {
    "version": "1.0",
    "timestamp": "t1",
    "requestPayload": {"order": 7},
    "requestContext": {"requestId": "r-1", "functionArn": "f", "approximateInvokeCount": 1},
    "responseContext": {"statusCode": 200},
    "responsePayload": {},
}
_AGENT: Final = {
    "messageVersion": "1.0",
    "agent": {"id": "a"},
    "sessionId": "s",
    "inputText": "hi",
    "actionGroup": "orders",
    "function": "create",
    "parameters": [],
}
_CONNECT: Final = {
    "Name": "ContactFlowEvent",
    "Details": {"ContactData": {"ContactId": "c-1"}, "Parameters": {"block": "pay"}},
}
_LEX: Final = {
    "messageVersion": "1.0",
    "invocationSource": "FulfillmentCodeHook",
    "sessionId": "s",
    "bot": {"id": "b", "aliasId": "a"},
    "sessionState": {"intent": {"name": "Order", "slots": {"size": "L"}}},
}
_PIPELINE: Final = {
    "CodePipeline.job": {
        "id": "j-1",
        "accountId": "1",
        "data": {"actionConfiguration": {}, "artifactCredentials": {"secretAccessKey": "s"}},
    }
}
_COMMIT: Final = {
    "Records": [
        {
            "eventSource": "aws:codecommit",
            "eventId": "e-1",
            "eventPartNumber": 1,
            "codecommit": {"references": []},
        }
    ]
}
_CUSTOM: Final = {
    "RequestType": "Create",
    "ResponseURL": "https://x",
    "StackId": "s",
    "RequestId": "r",
    "LogicalResourceId": "l",
    "ResourceProperties": {},
}
_CONFIG: Final = {
    "configRuleArn": "arn:aws:config:x",
    "resultToken": "t",
    "eventLeftScope": False,
    "invokingEvent": json.dumps({"configurationItem": {"configurationStateId": "1"}}),
}
_ROTATION: Final = {"SecretId": "s", "ClientRequestToken": "t", "Step": "createSecret"}
_EDGE: Final = {
    "Records": [
        {
            "cf": {
                "config": {"distributionId": "d", "eventType": "viewer-request", "requestId": "r"},
                "request": {"uri": "/"},
            }
        }
    ]
}
_ALEXA: Final = {
    "version": "1.0",
    "context": {"System": {"application": {}}},
    "request": {"type": "IntentRequest", "requestId": "q-1", "timestamp": "t1"},
}
_HOME: Final = {
    "directive": {
        "header": {"namespace": "Alexa", "messageId": "h-1", "correlationToken": "c"},
        "payload": {},
    }
}

SAMPLES: Final[Mapping[str, Sample]] = {
    "Cognito": Sample(_COGNITO, "afresh", ["p", "ann", "PostConfirmation_ConfirmSignUp"]),
    "IoT rule": Sample({"device": "d", "n": 7}, "payload", None, {}, {"n": 8}),
    "SES": Sample(_SES, "this key", ["s-1"], {}, {"Records/0/ses/mail/messageId": "s-2"}),
    "Step Functions": Sample(_TASK, "payload", ["x:1", "Charge", 0], {}, {"mapIndex": 1}),
    "Asynchronous invocation": Sample({"order_id": 7}, "payload", 7, {}, {"order_id": 8}),
    "Lambda destination": Sample(
        *(_DESTINATION, "this key", "r-1"),
        again={"timestamp": "t2", "requestContext/approximateInvokeCount": 2},
        other={"requestContext/requestId": "r-2"},
    ),
    "Bedrock agent": Sample(_AGENT, "refused"),
    "AgentCore Gateway": Sample({"order_id": 7}, "payload", 7, {}, {"order_id": 8}),
    "Amazon Connect": Sample(_CONNECT, "refused", ["c-1", "pay"]),
    "Lex": Sample(_LEX, "refused", ["s", "Order", {"size": "L"}]),
    "CodePipeline": Sample(
        *(_PIPELINE, "this key", ["j-1", "none"]),
        other={"CodePipeline.job/data/continuationToken": "2"},
    ),
    "CodeCommit": Sample(_COMMIT, "this key", [["e-1", 1]], {}, {"Records/0/eventPartNumber": 2}),
    "CloudFormation custom resource": Sample(_CUSTOM, "afresh", ["s", "r"]),
    "Config rule": Sample(_CONFIG, "afresh"),
    "Secrets Manager rotation": Sample(
        *(_ROTATION, "this key", ["s", "t", "createSecret"]),
        again={"RotationToken": "2"},
        other={"Step": "setSecret"},
    ),
    "Lambda@Edge": Sample(
        *(_EDGE, "this key", [["r", "viewer-request"]]),
        other={"Records/0/cf/config/eventType": "origin-request"},
    ),
    "Alexa skill": Sample(
        *(_ALEXA, "this key", "q-1", {"request/timestamp": "t2"}, {"request/requestId": "q-2"})
    ),
    "Alexa smart home": Sample(_HOME, "this key", "h-1", {}, {"directive/header/messageId": "h-2"}),
}
