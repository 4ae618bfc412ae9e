"""All that the construct and the runtime must agree on, and nothing else.

The construct, at synth, writes what the runtime reads in a function: variables of its environment,
the JSON document about a Redis server, attributes of a table, names of metrics. Each name, default
and bound is written down in this package alone, and both halves import it from here.

- `settings`: how an attached function behaves; variables `IDEMPOTENCY_...`
- `http`: the part of it that is about HTTP requests
- `redis`: the document about a Redis server, and the rights of its user
- `rotation`: the environment of the function that rotates passwords
- `dynamodb`, `metrics`: names
- `kinds`, `rows`: what a setting is made of: a name, a type, a kind, a default and a meaning

A part of each cold start, so that this package imports little: `errors`, and where it must
`protocol.record` and `identity.expressions`.
"""
