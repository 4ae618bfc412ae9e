"""The example app; `cdk deploy` in this directory deploys it."""

import aws_cdk as cdk

from examples.payments.stack import PaymentsStack

app = cdk.App()
PaymentsStack(app, "Payments")
app.synth()
