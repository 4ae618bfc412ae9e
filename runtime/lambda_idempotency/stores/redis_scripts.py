"""The verbs of `RedisStore` in Lua: each reads the record, decides by the server's clock, writes.

A record is a hash: its fields are DynamoDB's attributes, with bytes in `blob` instead of `data`.
ARGV[1] has the numbers of a request in one text, and the reply's first string has verdict, now and
key; for CONFLICT the fields follow. A client spends its time on each part of a command, and on each
value of a reply that is not a string. The key ties a reply to its request.
KEYS[1] is the only one, as a cluster demands
(https://redis.io/docs/latest/develop/programmability/eval-intro/).
"""

from __future__ import annotations

from hashlib import sha1
from typing import Any, Final, TypeAlias

from ..tuples import NamedTuple

APPLIED: Final = b"0"
CONFLICT: Final = b"1"
ABSENT: Final = b"2"
PRELUDE: Final = """
local key = KEYS[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local fields = redis.call('HGETALL', key)
local found = {}
for i = 1, #fields, 2 do found[fields[i]] = fields[i + 1] end

local function reply(verdict) return {string.format('%d %.0f %s', verdict, now, key)} end

local function whole(text)
  local number = tonumber(string.match(text or '', '^%d+$'))
  if number and number < 2 ^ 53 then return number end
end

local live = false
local status, owner = found.status, found.owner
if owner == '' then owner = nil end
local lease_end = whole(found.in_progress_expiration)
if #fields > 0 then
  local expires = whole(found.expiration)
  local known = owner and expires and (status == 'COMPLETED' or status == 'PARKED')
  if owner and lease_end and status == 'INPROGRESS' then
    -- Whatever else is wrong with it: after its lease it binds nobody.
    expires = expires or math.ceil(lease_end / 1000)
    known = lease_end <= expires * 1000
  end
  -- A value that is not our record is left alone, unless it says itself that it has expired.
  live = not expires or expires * 1000 > now
  if live and not known then return reply(3) end
end
local applied, absent, conflict = reply(0), reply(2), reply(1)
for i = 1, #fields do conflict[1 + i] = fields[i] end

local revision = whole(found.revision) or 0

local function is_own(me) return status == 'INPROGRESS' and owner == me end

local function put(expires, ...)
  local names = {...}
  if #fields > 0 then
    -- A record is changed, not deleted and made again: while a slot moves to another node, its
    -- keys cannot be made on the old one. And a full server refuses a script whose first write
    -- takes memory: this one does not, so the holder of a key can always record the answer.
    redis.call('PEXPIREAT', key, expires * 1000)
  end
  redis.call('HSET', key, 'expiration', expires, ...)
  found.expiration = nil
  for i = 1, #names, 2 do found[names[i]] = nil end
  for name in pairs(found) do redis.call('HDEL', key, name) end
  if #fields == 0 then redis.call('PEXPIREAT', key, expires * 1000) end
  return applied
end

local function lease(duration, after, ...)
  duration = tonumber(duration)
  local expires = math.ceil((now + duration + after) / 1000)
  -- Without a duration the attempt gives up: the record is leased to nobody. A negative one has
  -- ended already.
  local ends = duration ~= 0 and now + duration or 0
  return put(expires, 'in_progress_expiration', ends, 'status', 'INPROGRESS', ...)
end
"""

_CLAIM: Final = """
local duration, after, attempt, rises_to, saw = string.match(
  ARGV[1], '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
local me, seen = ARGV[2], ARGV[3]
if seen == '' then
  if live then return conflict end
elseif not live then
  return absent
elseif not (is_own(seen) and revision == tonumber(saw) and lease_end <= now) then
  return conflict
end
return lease(
  duration, after, 'owner', me, 'attempt', attempt, 'revision', rises_to, unpack(ARGV, 4))
"""

_RENEW: Final = """
local duration, after, attempt, rises_to = string.match(ARGV[1], '^(%S+) (%S+) (%S+) (%S+)$')
local me = ARGV[2]
if not live then return absent end
if not is_own(me) or revision > tonumber(rises_to) then return conflict end
return lease(
  duration, after, 'owner', me, 'attempt', attempt, 'revision', rises_to, unpack(ARGV, 3))
"""

_COMPLETE: Final = """
local after, attempt, ends_as, not_after = string.match(ARGV[1], '^(%S+) (%S+) (%S+) (%S+)$')
local me = ARGV[2]
local strict = not_after == 'strict'
if not live then
  local late = not_after ~= '-' and not strict and now >= not_after * 1000
  if strict or late then return absent end
elseif not is_own(me) and (strict or status ~= 'PARKED') then
  return conflict
end
return put(
  math.ceil((now + after) / 1000), 'status', ends_as, 'owner', me, 'attempt', attempt,
  unpack(ARGV, 3))
"""

_RELEASE: Final = """
if not live then return absent end
if not is_own(ARGV[1]) or found.steps or found.steps_blob then return conflict end
redis.call('DEL', key)
return applied
"""

_READ: Final = """
return live and conflict or absent
"""


class Script(NamedTuple):
    """A script, and the name by which a server knows it after running it once."""

    verb: str
    text: bytes
    sha: bytes


def script(verb: str, text: str) -> Script:
    whole = (PRELUDE + text).encode()
    return Script(verb, whole, sha1(whole, usedforsecurity=False).hexdigest().encode())


CLAIM: Final = script("claim", _CLAIM)
RENEW: Final = script("renew", _RENEW)
COMPLETE: Final = script("complete", _COMPLETE)
RELEASE: Final = script("release", _RELEASE)
READ: Final = script("read", _READ)


Request: TypeAlias = tuple[Script, str, tuple[Any, ...]]
"""A request to a server: a script, the key, and arguments."""


def command(request: Request) -> tuple[Any, ...]:
    """Return the command for a server that knows the script."""
    script, key, arguments = request
    return ("EVALSHA", script.sha, b"1", key, *arguments)


def with_text(request: Request) -> tuple[Any, ...]:
    """Return the command for a server that does not know the script, or has forgotten it."""
    script, key, arguments = request
    return ("EVAL", script.text, b"1", key, *arguments)
