"""The functions that are attached: their layer, their handler, their routes."""
