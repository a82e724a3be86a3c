"""What the dashboard answers over HTTP: real shards, real queries, no browser."""

import json
import math
import struct
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.edge.written import FixedTime, WrittenRun
from trackio.dashboard.codes import SHORT, make_codes
from trackio.dashboard.desk import FRESH_S, STATUS_S, Desk
from trackio.dashboard.routes import PREFIX, routes
from trackio.dashboard.static_files import FOLDER, version
from trackio.errors import StoreUnavailable
from trackio.model import Entry
from trackio.query.runs import SILENT_S
from trackio.store.base import Store
from trackio.store.memory import MemoryStore
from trackio.store.wrapper import Wrapper

START_S = 1_700_000_000.0


class Counting(Wrapper):
    """Counts what is asked of a store."""

    def __init__(self, inner: Store) -> None:
        super().__init__(inner)
        self.asked: Counter[str] = Counter()

    def list(self, prefix: str = "", *, recursive: bool = True) -> Iterator[Entry]:
        self.asked["list"] += 1
        return super().list(prefix, recursive=recursive)

    def get(self, key: str) -> bytes:
        self.asked["get"] += 1
        return super().get(key)
