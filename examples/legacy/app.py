"""`cdk deploy` in this directory deploys it."""

import aws_cdk as cdk

from stack import LegacyStack

app = cdk.App()
LegacyStack(app, "Legacy")
app.synth()
