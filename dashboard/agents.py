"""Browsers in words: what a person recognises of how a browser calls itself."""

from __future__ import annotations

import re

from geodata.words import say

# The first that fits: nearly all of them also call themselves Chrome and Safari.
_BROWSERS = (
    (r"MicroMessenger/([\d.]+)", "wechat"),
    (r"(?:wxwork|DingTalk)/([\d.]+)", "office"),
    (r"Edg(?:e|A|iOS)?/(\d+)", "Edge"),
    (r"QQBrowser/(\d+)", "qq"),
    (r"(?:360SE|QIHU|QHBrowser)", "360"),
    (r"Firefox/(\d+)", "Firefox"),
    (r"Chrome/(\d+)", "Chrome"),
    (r"Version/(\d+).*Safari/", "Safari"),
)
_SYSTEMS = (
    (r"HarmonyOS", "harmony"),
    (r"Android", "Android"),
    (r"iPad", "iPad"),
    (r"iPhone", "iPhone"),
    (r"Windows", "Windows"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"UOS|UnionTech", "uos"),
    (r"Kylin", "kylin"),
    (r"Linux|X11", "Linux"),
)


def spoken(agent: str) -> str:
    """Browser and system, as `Chrome 120 · Windows`; a word for it when neither is known."""
    parts = [one for one in (_first(agent, _BROWSERS), _first(agent, _SYSTEMS)) if one]
    return " · ".join(parts) or say("signin.agent.unknown")


def _first(agent: str, known: tuple[tuple[str, str], ...]) -> str:
    for pattern, name in known:
        found = re.search(pattern, agent)
        if found:
            version = found.group(1).split(".")[0] if found.groups() else ""
            called = say(f"signin.agent.{name}") if name.islower() or name.isdigit() else name
            return f"{called} {version}".strip()
    return ""
