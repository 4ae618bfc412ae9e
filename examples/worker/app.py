"""The app of this example: run `cdk deploy` in this directory to deploy it."""

import aws_cdk as cdk

from stack import WorkerStack

app = cdk.App()
WorkerStack(app, "Worker")
app.synth()
