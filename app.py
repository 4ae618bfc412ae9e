"""The example app: run `cdk deploy` in this directory to deploy it."""

import aws_cdk as cdk

from examples.payments.stack import PaymentsStack

app = cdk.App()
PaymentsStack(app, "Payments")
app.synth()
