"""Rotation of a Redis password."""
