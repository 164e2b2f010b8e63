"""A model hub on the loopback that speaks what huggingface_hub's client asks."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit


class LocalHub:
    """Repositories by owner/name, each a folder by revision.

    Attributes:
        repositories: {"owner/name": {"main": folder, ...}}.
        asked: paths of the requests so far.
        breaks: whether files of weights end in the middle.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, Path]] = {}
        self.asked: list[str] = []
        self.breaks = False

    def commit(self, folder: Path) -> str:
        """Of a folder's content."""
        content = b"".join(path.name.encode() + path.read_bytes() for path in sorted(folder.iterdir()))
        return hashlib.sha1(content).hexdigest()

    def folder(self, repository: str, revision: str) -> Path | None:
        revisions = self.repositories.get(repository, {})
        by_commit = {self.commit(folder): folder for folder in revisions.values()}
        return revisions.get(revision) or by_commit.get(revision)


@contextmanager
def running(hub: LocalHub) -> Iterator[str]:
    """The address of a server that is there during the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self._answer(body=False)

        def do_GET(self) -> None:
            self._answer(body=True)

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, body: bool) -> None:
            path = unquote(urlsplit(self.path).path)
            hub.asked.append(path)
            parts = path.strip("/").split("/")
            if parts[:2] == ["api", "models"] and len(parts) >= 4:
                repository, rest = "/".join(parts[2:4]), parts[4:]
                folder = hub.folder(repository, rest[1] if len(rest) > 1 else "main")
                if folder is None:
                    code = "RevisionNotFound" if repository in hub.repositories else "RepoNotFound"
                    return self._send(404, b"{}", {"X-Error-Code": code}, body)
                files = sorted(folder.iterdir())
                if rest[:1] == ["tree"]:
                    tree = [{"type": "file", "path": f.name, "size": f.stat().st_size, "oid": _etag(f)} for f in files]
                    return self._send(200, json.dumps(tree).encode(), {}, body)
                info = {"id": repository, "sha": hub.commit(folder), "siblings": [{"rfilename": f.name} for f in files]}
                return self._send(200, json.dumps(info).encode(), {}, body)
            if len(parts) == 5 and parts[2] == "resolve":
                folder = hub.folder("/".join(parts[:2]), parts[3])
                if folder is not None and (folder / parts[4]).is_file():
                    file = folder / parts[4]
                    headers = {"ETag": f'"{_etag(file)}"', "X-Repo-Commit": hub.commit(folder)}
                    return self._send(200, file.read_bytes(), headers, body, hub.breaks and "safetensors" in file.name)
            return self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"}, body)

        def _send(self, status: int, content: bytes, headers: dict[str, str], body: bool, breaks: bool = False) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if body:
                self.wfile.write(content[: len(content) // 2] if breaks else content)
            if body and breaks:
                self.close_connection = True

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _etag(file: Path) -> str:
    return hashlib.sha1(file.read_bytes()).hexdigest()
