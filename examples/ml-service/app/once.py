"""A request is done once: for an hour, the same Idempotency-Key gets the same reply."""
import json
import os

import redis

HOUR = 3600
store = redis.Redis(os.environ.get("REDIS_HOST", "redis"), socket_timeout=1)


def once(key, work):
    if key is None:
        return work()
    if (reply := store.get(key)) is None:
        store.set(key, json.dumps(work()), ex=HOUR, nx=True)
        reply = store.get(key)
    return json.loads(reply)
