"""Completions on disk: one SQLite file, many processes, nothing lost to kill -9.

Write-ahead logging with synchronous=NORMAL: a commit survives the death of the process at any
moment; only a power cut may lose the last few. One insert is one commit, made the moment an answer
arrives. Keep the file on a local disk: SQLite's locks do not reach over network file systems.

To read it by eye:
    sqlite3 FILE "SELECT model, answer ->> 'text', request FROM calls ORDER BY at DESC LIMIT 5"
"""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tts_search.errors import CacheError
from tts_search.llm.base import Completion, Request

SCHEMA = 1
_TABLE = """CREATE TABLE IF NOT EXISTS calls (
    key     TEXT PRIMARY KEY,  -- Request.digest(engine identity)
    model   TEXT NOT NULL,
    answer  TEXT NOT NULL,     -- Completion as JSON
    request TEXT NOT NULL,     -- [system and user messages], sampling settings, as JSON
    at      REAL NOT NULL      -- Unix time of arrival, seconds
)"""
_GET = "SELECT answer FROM calls WHERE key = ?"
_PUT = "INSERT INTO calls VALUES (?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"


class ResponseStore:
    """Completions by key. Every method raises CacheError, in one line, when the file fails.

    patience_s: how long to wait for another process's lock, in seconds (the caller blocks).
    """

    def __init__(self, path: str | Path, patience_s: float = 30.0) -> None:
        self.path = str(path)
        self._deadline = time.monotonic() + patience_s
        with self._explained():
            if self.path != ":memory:":
                Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(
                self.path, timeout=patience_s, isolation_level=None, check_same_thread=False
            )
        try:
            with self._explained():
                self._open()
        except BaseException:
            self._db.close()
            raise

    def get(self, key: str) -> Completion | None:
        """The stored answer; None when there is none or its row is unreadable."""
        with self._explained():
            try:
                row = self._db.execute(_GET, (key,)).fetchone()
            except sqlite3.OperationalError as error:
                if "decode to UTF-8" not in str(error):
                    raise
                row = (None,)
            if row is None:
                return None
            answer = _parse(row[0])
            if answer is None:
                self._db.execute("DELETE FROM calls WHERE key = ?", (key,))
            return answer

    def put(self, key: str, request: Request, answer: Completion) -> Completion:
        """Commit an answer. Returns the one on disk: another process may have been faster.

        Using the stored answer rather than one's own makes a replay see what this run saw.
        """
        row = (key, request.model, json.dumps(answer.to_json()), _describe(request), time.time())
        with self._explained():
            if self._db.execute(_PUT, row).rowcount:
                return answer
        return self.get(key) or answer

    def __len__(self) -> int:
        with self._explained():
            return int(self._db.execute("SELECT count(*) FROM calls").fetchone()[0])

    def close(self) -> None:
        self._db.close()

    def _open(self) -> None:
        """Journal mode, schema and version. Retried while other processes do the same."""
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL").fetchone()
                self._db.execute("PRAGMA synchronous = NORMAL")
                return self._migrate()
            except sqlite3.OperationalError as error:
                # The switch to WAL does not wait for locks as other statements do.
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > self._deadline:
                    raise
                time.sleep(0.01)

    def _migrate(self) -> None:
        version = self._version()
        if version == 0 and not self._db.execute("SELECT 1 FROM sqlite_master").fetchone():
            self._db.execute("BEGIN IMMEDIATE")
            self._db.execute(_TABLE)
            self._db.execute(f"PRAGMA user_version = {SCHEMA}")
            self._db.execute("COMMIT")
        elif version != SCHEMA and self._version() != SCHEMA:
            raise CacheError(
                f"response cache {self.path} has schema version {version}, this program reads "
                f"{SCHEMA}; {_elsewhere(self.path)}"
            )

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise CacheError(_explain(self.path, error)) from error


def _parse(text: object) -> Completion | None:
    try:
        answer = Completion(**json.loads(text))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    counts = (answer.prompt_tokens, answer.output_tokens)
    readable = isinstance(answer.text, str) and all(isinstance(n, int) and n >= 0 for n in counts)
    return answer if readable else None


def _describe(request: Request) -> str:
    """The request as JSON. ASCII, so that text with lone surrogates can be stored too."""
    body = {
        "messages": [[m.role, m.content] for m in request.messages],
        "temperature": request.temperature,
        "top_p": request.top_p,
        "max_tokens": request.max_tokens,
        "seed": request.seed,
        "schema": request.schema,
    }
    return json.dumps(body, separators=(",", ":"))


def _code(error: BaseException) -> int:
    """Primary SQLite result code, 0 when there is none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _elsewhere(path: str) -> str:
    return f"move it away (mv {path} {path}.old) or name another file: cache=PATH"


def _explain(path: str, error: BaseException) -> str:
    head = f"response cache {path}"
    match _code(error):
        case sqlite3.SQLITE_NOTADB | sqlite3.SQLITE_CORRUPT:
            fix = f"move it away (mv {path} {path}.corrupt) or name another file: cache=PATH"
            return f"{head} is damaged or no cache ({error}); {fix}"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"{head} stayed locked by another process; end it or name another: cache=PATH"
        case sqlite3.SQLITE_FULL | sqlite3.SQLITE_IOERR:
            return f"{head}: no room or disk error ({error}); free space or set cache=PATH"
        case _:
            return f"{head} cannot be used ({error}); make it writable or set cache=PATH"
