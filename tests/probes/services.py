"""The services that alerts go to, as strict as their documentation: what breaks a rule is refused in the service's own words.

    with service("telegram") as s:            # a rig.Server
        ask("alert", "telegram", s.url, 2000, *s.words)
        s.taken                                # the messages that it accepted: what came, parsed
"""

import datetime
import json
import re

from rig import Server, answer

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
ROUTING_KEY = "93f60c1e0f7149f1b0a2f5d3b9ce2d11"
NTFY_TOKEN = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"
DISCORD = "/api/webhooks/199737254929760256/y38wMXm3ZQZ3l4SmAG6mOmMTdlPGcDGJrAJ1ZYrbY3"
SLACK = "/services/T024BE7LD/B0CPKB9CM/Z5yEM3eQXmGhTwLeCxQ0aK8k"


class Refused(Exception):
    def __init__(self, status, body, headers=()):
        super().__init__(body)
        self.reply = answer(body if isinstance(body, str) else json.dumps(body), status, headers)


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


def parsed(request, on_error):
    if request.method != "POST" or request.get("Content-Type") != "application/json":
        raise Refused("415 Unsupported Media Type", on_error("not a POST of JSON"))
    try:
        return json.loads(request.body.decode("utf-8"), object_pairs_hook=without_duplicates)
    except ValueError as error:
        raise Refused("400 Bad Request", on_error(f"not JSON: {error}")) from None


def without_duplicates(pairs):
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key comes twice")
    return dict(pairs)


def must(condition, status, body):
    if not condition:
        raise Refused(status, body)


def slack(request):
    must(request.target == SLACK, "404 Not Found", "no_service")
    data = parsed(request, lambda why: "invalid_payload")
    must(isinstance(data, dict) and set(data) == {"text"} and data["text"].strip(), "400 Bad Request", "no_text")
    text = data["text"]
    must(not re.search(r"[<>]|&(?!(amp|lt|gt);)", text), "400 Bad Request", "invalid_markup")
    must(utf16(text) <= 3000, "400 Bad Request", "msg_too_long")
    return data, answer("ok")


def discord(request):
    def error(code, message):
        return {"message": message, "code": code}
    must(request.target == DISCORD, "404 Not Found", error(10015, "Unknown Webhook"))
    data = parsed(request, lambda why: error(50109, "The request body contains invalid JSON."))
    must(data.get("content", "").strip(), "400 Bad Request", error(50006, "Cannot send an empty message"))
    must(len(data["content"]) <= 2000, "400 Bad Request", error(50035, "Invalid Form Body"))
    must(data.get("allowed_mentions") == {"parse": []}, "400 Bad Request", error(50035, "it may mention everyone"))
    return data, answer(status="204 No Content", length=False)


def telegram(request):
    def error(code, description):
        return {"ok": False, "error_code": code, "description": description}
    must(request.target == f"/bot{TOKEN}/sendMessage", "404 Not Found", error(404, "Not Found"))
    data = parsed(request, lambda why: error(400, "Bad Request: can't parse JSON"))
    must(re.fullmatch(r"-?\d+|@\w+", str(data.get("chat_id", ""))), "400 Bad Request", error(400, "Bad Request: chat not found"))
    must(data.get("text", "").strip(), "400 Bad Request", error(400, "Bad Request: message text is empty"))
    must(utf16(data["text"]) <= 4096, "400 Bad Request", error(400, "Bad Request: message is too long"))
    must("parse_mode" not in data, "400 Bad Request", error(400, "Bad Request: can't parse entities"))
    # the answer repeats the text, in ASCII
    return data, answer(json.dumps({"ok": True, "result": {"message_id": 1, "date": 0, "text": data["text"]}}))


def pagerduty(request):
    def error(*errors):
        return {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
    must(request.target == "/v2/enqueue", "404 Not Found", "Not Found")
    must(len(request.body) <= 512 * 1024, "413 Request Entity Too Large", error("too large"))
    data = parsed(request, error)
    must(data.get("routing_key") == ROUTING_KEY, "400 Bad Request", error("Length of 'routing_key' is incorrect (should be 32 characters)"))
    must(data.get("event_action") == "trigger", "400 Bad Request", error("'event_action' is invalid"))
    must(0 < len(data.get("dedup_key", "")) <= 255, "400 Bad Request", error("'dedup_key' is invalid"))
    payload = data["payload"]
    must(0 < utf16(payload.get("summary", "")) <= 1024, "400 Bad Request", error("'payload.summary' is missing or blank"))
    must(payload.get("source", "").strip(), "400 Bad Request", error("'payload.source' is missing or blank"))
    must(payload.get("severity") in ("critical", "error", "warning", "info"), "400 Bad Request", error("'payload.severity' is invalid"))
    must(isinstance(payload.get("custom_details"), dict), "400 Bad Request", error("'custom_details' is invalid"))
    return data, answer(json.dumps({"status": "success", "message": "Event processed", "dedup_key": data["dedup_key"]}),
                        "202 Accepted")


def ntfy(request):
    def error(code, why):
        return {"code": code, "http": code // 100, "error": why}
    must(request.target == "/", "404 Not Found", error(40401, "page not found"))
    must(request.get("Authorization") in (None, f"Bearer {NTFY_TOKEN}"), "401 Unauthorized", error(40101, "unauthorized"))
    must(len(request.body) <= 2 * 4096, "413 Request Entity Too Large", error(41303, "request entity too large: JSON body too large"))
    data = parsed(request, lambda why: error(40024, "invalid request: request body must be valid JSON"))
    must(re.fullmatch(r"[-_A-Za-z0-9]{1,64}", data.get("topic", "")), "400 Bad Request", error(40009, "invalid request: topic invalid"))
    must(0 < len(data["message"].encode()) <= 4096, "400 Bad Request", error(40014, "attachments not allowed"))
    must("\n" not in data["title"] and data["priority"] in range(1, 6) and all(isinstance(tag, str) for tag in data["tags"]),
         "400 Bad Request", error(40007, "invalid request"))
    return data, answer(json.dumps({"id": "x", "event": "message"}))


def moment(text):
    return datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=datetime.timezone.utc)


def alertmanager(request):
    def error(why):
        return {"code": 601, "message": why}
    must(request.target == "/prefix/api/v2/alerts", "404 Not Found", error("path not found"))
    data = parsed(request, error)
    must(isinstance(data, list) and len(data) == 1, "400 Bad Request", error("postableAlerts in body"))
    alert = data[0]
    must(alert["labels"].get("alertname"), "400 Bad Request", error("alertname in body is required"))
    for name, value in alert["labels"].items():
        must(re.fullmatch("[a-zA-Z_][a-zA-Z0-9_]*", name) and isinstance(value, str), "400 Bad Request", error(f"invalid label {name}"))
    must(all(isinstance(value, str) for value in alert["annotations"].values()), "400 Bad Request", error("invalid annotation"))
    now = datetime.datetime.now(datetime.timezone.utc)
    must(moment(alert["startsAt"]) <= now < moment(alert["endsAt"]), "400 Bad Request", error("start time must be before end time"))
    return data, answer()


def webhook(request):
    data = parsed(request, lambda why: why)
    must(isinstance(data, dict), "400 Bad Request", "not an object")
    return data, answer(status="204 No Content", length=False)


# rules, path, the driver's words
SERVICES = {
    "slack": (slack, SLACK, ()),
    "discord": (discord, DISCORD, ()),
    "telegram": (telegram, "", (f"token={TOKEN}", "chat_id=-1001234567890")),
    "pagerduty": (pagerduty, "", (f"routing_key={ROUTING_KEY}",)),
    "ntfy": (ntfy, "/", ("topic=paper_bot", f"token={NTFY_TOKEN}")),
    "alertmanager": (alertmanager, "/prefix/", ()),
    "webhook": (webhook, "/hook", ()),
}


class Service(Server):
    """`before`: handlers that answer the first requests instead; what they answer was not taken."""

    def __init__(self, kind, before=()):
        self.rules, path, self.words = SERVICES[kind]
        self.kind, self.taken, self.refused, self.before = kind, [], [], list(before)
        super().__init__(self._judge)
        self.url += path

    def _judge(self, connection, request):
        if self.before:
            self.before.pop(0)(connection, request)
            return
        try:
            data, reply = self.rules(request)
            self.taken.append(data)
        except Refused as refused:
            self.refused.append(str(refused))
            reply = refused.reply
        except (KeyError, TypeError, AttributeError) as error:
            self.refused.append(repr(error))
            reply = answer(repr(error), "400 Bad Request")
        reply(connection, request)


def by_default(kind):
    """The settings of a channel, as a configuration has them, besides type and url."""
    return {"telegram": f'token = "{TOKEN}"; chat_id = "-1001234567890";', "pagerduty": f'routing_key = "{ROUTING_KEY}";',
            "ntfy": f'topic = "paper_bot"; token = "{NTFY_TOKEN}";'}.get(kind, "")
