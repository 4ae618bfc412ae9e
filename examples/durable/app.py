"""The app of this example: run `cdk deploy` in this directory to deploy it."""

import aws_cdk as cdk

from stack import DurableStack

app = cdk.App()
DurableStack(app, "Durable")
app.synth()
