"""`cdk deploy` in this directory deploys it."""

import aws_cdk as cdk

from stack import WorkerStack

app = cdk.App()
WorkerStack(app, "Worker")
app.synth()
