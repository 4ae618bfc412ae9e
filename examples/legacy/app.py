"""The app of this example: run `cdk deploy` in this directory to deploy it."""

import aws_cdk as cdk

from stack import LegacyStack

app = cdk.App()
LegacyStack(app, "Legacy")
app.synth()
