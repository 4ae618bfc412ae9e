"""All that the construct and the runtime must agree on, and nothing else.

The construct, at synth, writes what the runtime reads in a function: variables of its environment,
the JSON document about a Redis server, attributes of a table, names of metrics. Each name, default
and bound is written down only in this package, and both halves import it from here.

- `settings`: the behavior of an attached function; variables `IDEMPOTENCY_...`
- `http`: the part of the settings that is about HTTP requests
- `redis`: the document about a Redis server, and the rights of its user
- `rotation`: the environment of the function that rotates passwords
- `names`: of metrics, and of attributes of a table
- `kinds`, `rows`: the parts of a setting: a name, a type, a kind, a default and a meaning

Each cold start imports this package, so it imports little: `errors`, and where it must
`protocol.record` and `identity.expressions`.
"""
