"""What is sent to a webhook: a message for Slack or Discord, else plain JSON. Sends nothing.

What runs are called and what they say is others' text: it can mention nobody and break no markup.
"""

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from trackio.upkeep.alerts.due import Due

_SIGNS: Final = {"info": "ℹ️", "warn": "⚠️", "error": "🔴"}
_COLORS: Final = {"info": 0x3B82F6, "warn": 0xF59E0B, "error": 0xDC2626}
_MARKUP = re.compile(r"([\\*_~`|>\[\]()#@])")
_SLACK_ESCAPES: Final = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def encode_payload(url: str, due: Due) -> bytes:
    """The body of the request that tells the webhook at `url` of an alert."""
    host = urlsplit(url).hostname or ""
    if host == "hooks.slack.com" or host.endswith(".slack.com"):
        said = _slack(due)
    elif host in ("discord.com", "discordapp.com") or host.endswith(".discord.com"):
        said = _discord(due)
    else:
        said = _plain(due)
    return orjson.dumps(said)


def digest_of(url: str) -> str:
    """Tells one webhook from others without giving its secret away."""
    return sha256(url.encode()).hexdigest()[:16]


def shown_url(url: str) -> str:
    """A webhook's URL for people and logs: its path is a secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/… ({digest_of(url)[:6]})"


def _plain(due: Due) -> dict[str, Any]:
    return {
        "log_id": due.log_id,
        "level": due.level,
        "title": due.title,
        "text": due.text,
        "project": due.project,
        "run": due.run,
        "run_id": due.run_id,
        "step": due.step,
        "timestamp": _iso(due),
        "rule": due.rule,
    }


def _slack(due: Due) -> dict[str, Any]:
    title = f"{_SIGNS.get(due.level, _SIGNS['warn'])} {due.title}"
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": {"type": "plain_text", "text": _cut(title, 150)}}
    ]
    if due.text:
        text = {"type": "mrkdwn", "text": _for_slack(_cut(due.text, 2500))}
        blocks.append({"type": "section", "text": text})
    context = {"type": "mrkdwn", "text": _for_slack(_cut(_where(due), 1500))}
    blocks.append({"type": "context", "elements": [context]})
    return {"text": _for_slack(_cut(f"{title} · {_where(due)}", 1000)), "blocks": blocks}


def _discord(due: Due) -> dict[str, Any]:
    embed = {
        "title": _cut(_for_discord(due.title), 256),
        "description": _cut(_for_discord(due.text), 4000),
        "color": _COLORS.get(due.level, _COLORS["warn"]),
        "timestamp": _iso(due),
        "footer": {"text": _cut(_where(due), 2000)},
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def _where(due: Due) -> str:
    step = "" if due.step is None else f" · step {due.step}"
    rule = "" if due.rule is None else f" · rule {due.rule}"
    return f"{due.level} · {due.project} / {due.run}{step}{rule} · {due.log_id}"


def _iso(due: Due) -> str:
    return datetime.fromtimestamp(due.time_s, UTC).isoformat(timespec="milliseconds")


def _for_slack(text: str) -> str:
    return "".join(_SLACK_ESCAPES.get(char, char) for char in text)


def _for_discord(text: str) -> str:
    return _MARKUP.sub(r"\\\1", text)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
