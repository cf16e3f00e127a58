"""The description of `emoview serve`, as OpenAPI and as a page."""

from __future__ import annotations

import json
from html import escape
from importlib import resources
from typing import Any, Final

from emoview import __version__
from emoview.output.json import schema

_OPTIONS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "labels": ("7 labels, or their groups", {"type": "integer", "enum": [7, 3, 2], "default": 7}),
    "modality": ("what is analysed", {"type": "string", "enum": ["both", "face", "voice"]}),
    "face": ("largest, speaking, all, or the number of a person", {"type": "string", "default": "largest"}),
    "max_faces": ("faces looked for in a picture", {"type": "integer", "minimum": 1, "default": 4}),
    "fusion": ("how face and voice are joined", {"type": "string", "enum": ["auto", "late", "early"]}),
    "voice_features": ("what describes the voice", {"type": "string", "enum": ["opensmile", "builtin"]}),
    "least_confidence": ("below it a label is uncertain", {"type": "number", "minimum": 0, "maximum": 1}),
    "causal": ("look at nothing that comes later", {"type": "boolean", "default": False}),
}
_PLACE: Final = "/components/schemas/Analysis"
_ANSWERS: Final = {
    "200": "the result", "403": "no token, or a page of another origin",
    "408": "the file took too long to come",
    "413": "the file is too large", "422": "the file or an option cannot be used; `error` says why",
    "500": "the analysis failed by no fault of the file",
    "503": "too many files wait", "504": "the analysis took too long",
    "507": "there is no space for the file",
}  # fmt: skip


def description(megabytes: int, seconds: float) -> dict[str, Any]:
    """Describe the application in OpenAPI 3.1."""
    # Within this document the definitions of the schema have another place.
    text = json.dumps(schema()).replace('"#/$defs/', f'"#{_PLACE}/$defs/')
    result = {name: value for name, value in json.loads(text).items() if name != "$schema"}
    media = {"schema": {"type": "string", "contentMediaType": "video/mp4"}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "emoview", "version": __version__,
            "description": "A video or sound file in, an emotion timeline out. Files of up to "
            f"{megabytes} MB, analyses of up to {seconds:g} s, one after the other.",
        },
        # Where a token was named; without one, nobody asks for it.
        "security": [{}, {"token": []}],
        "paths": {
            "/analyze": {"post": {
                "summary": "Analyse a file",
                "parameters": [
                    {"name": name, "in": "query", "required": False, "description": what, "schema": kind}
                    for name, (what, kind) in _OPTIONS.items()
                ],
                "requestBody": {"required": True, "content": {
                    "application/octet-stream": media,
                    "multipart/form-data": {"schema": {"type": "object", "properties": {
                        "file": {"type": "string", "contentMediaType": "application/octet-stream"}}}},
                }},
                "responses": {
                    code: {"description": what} | ({"content": {"application/json": {
                        "schema": {"$ref": f"#{_PLACE}"}}}} if code == "200" else {})
                    for code, what in _ANSWERS.items()
                },
            }},
            "/health": {"get": {
                "summary": "Whether it runs, and how many files wait",
                "responses": {"200": {"description": "it runs"}},
            }},
        },
        "components": {
            "schemas": {"Analysis": result},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }  # fmt: skip


def page(megabytes: int, seconds: float) -> str:
    """Describe the application on a page, without anything from elsewhere."""
    options = "".join(
        f"<tr><td><code>{name}</code><td>{escape(what)}<td>{escape(_values(kind))}"
        for name, (what, kind) in _OPTIONS.items()
    )
    answers = "".join(f"<tr><td>{code}<td>{escape(what)}" for code, what in _ANSWERS.items())
    text = resources.files("emoview.live").joinpath("serve.html").read_text("utf-8")
    values = {"megabytes": megabytes, "seconds": f"{seconds:g}", "options": options, "answers": answers}
    for name, value in values.items():
        text = text.replace(f"{{{{{name}}}}}", str(value))
    return text


def _values(kind: dict[str, Any]) -> str:
    values = ", ".join(map(str, kind["enum"])) if "enum" in kind else str(kind["type"])
    return f"{values} (default {kind['default']})" if "default" in kind else values
