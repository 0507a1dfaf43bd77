"""Prompts that are one text: the templates by which models tell who speaks. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_MARKER = re.compile(
    r"<\|start_header_id\|>\s*(?P<llama3>\w+)\s*<\|end_header_id\|>"
    r"|<\|header_start\|>\s*(?P<llama4>\w+)\s*<\|header_end\|>"
    r"|<\|im_start\|>(?P<chatml>\w+)\n"
    r"|(?P<user>\[INST\]|<｜User｜>|(?m:^)User:)"
    r"|(?P<assistant>\[/INST\]|<｜Assistant｜>|(?m:^)Bot:)"
)
_TOKEN = re.compile(
    r"<\|(?:begin_of_text|end_of_text|eot_id|eom_id|eot|im_end)\|>|</?s>|<｜(?:begin|end)▁of▁sentence｜>"
)
_SYSTEM = re.compile(r"\s*<<SYS>>(.*?)<</SYS>>", re.DOTALL)
_ROLES = {"ipython": "tool", "model": "assistant"}


@dataclass(frozen=True, slots=True)
class Turn:
    """Who speaks, what is said, and where in the prompt that begins."""

    role: str
    text: str
    start: int


def turns(prompt: str) -> list[Turn]:
    """The turns of a prompt; one without a template is the user's, all of it."""
    markers = list(_MARKER.finditer(prompt))
    if not markers:
        return [turn for turn in [_turn("user", prompt, 0, len(prompt))] if turn.text]
    found = [_turn("system", prompt, 0, markers[0].start())]
    ends = [*(marker.start() for marker in markers[1:]), len(prompt)]
    for marker, end in zip(markers, ends, strict=True):
        named = next((name for name in (marker["llama3"], marker["llama4"], marker["chatml"]) if name), None)
        role = named or ("user" if marker["user"] else "assistant")
        begin = marker.end()
        if system := _SYSTEM.match(prompt, begin, end):
            found.append(Turn("system", system[1].strip(), system.start(1)))
            begin = system.end()
        found.append(_turn(_ROLES.get(role, role), prompt, begin, end))
    return [turn for turn in found if turn.text]


def _turn(role: str, prompt: str, begin: int, end: int) -> Turn:
    said = _TOKEN.sub("", prompt[begin:end]).strip()
    start = prompt.find(said, begin, end) if said else begin
    return Turn(role, said, max(start, begin))
