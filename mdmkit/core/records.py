"""Records: what JSON or TOML holds."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
