"""An S3 server for tests, as far as fsspec asks of one: buckets, whole objects, ranges and listings, in memory.

Run as a program it prints its port and ends when its standard input does.
"""

from __future__ import annotations

import hashlib
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.sax.saxutils import escape

BUCKETS: dict[str, dict[str, bytes]] = {}
WRITTEN = "2020-01-01T00:00:00.000Z"


class S3(BaseHTTPRequestHandler):
    """Answers `/bucket/key`; signatures and checksums are not looked at."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        """Logs nothing: standard error belongs to the tests."""

    def parse_request(self):
        """Finds the bucket and the key in the request's path."""
        if not super().parse_request():
            return False
        path, self.query = urlsplit(self.path).path, dict(parse_qsl(urlsplit(self.path).query))
        self.bucket, _, self.key = unquote(path).lstrip("/").partition("/")
        return True

    def do_PUT(self):
        """Makes a bucket or writes an object."""
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not self.key:
            BUCKETS[self.bucket] = {}
        elif self.bucket not in BUCKETS:
            self.refuse("NoSuchBucket")
            return
        else:
            BUCKETS[self.bucket][self.key] = content
        self.answer(200, b"", ETag=etag(content))

    def do_HEAD(self):
        """As GET, whose content is left out."""
        self.do_GET()

    def do_GET(self):
        """Sends a listing, an object or a range of it."""
        objects = BUCKETS.get(self.bucket)
        if objects is None:
            self.refuse("NoSuchBucket")
        elif not self.key:
            self.answer(200, listing(objects, **{"prefix": "", "delimiter": "", **self.query}))
        elif self.key not in objects:
            self.refuse("NoSuchKey")
        else:
            content = objects[self.key]
            found = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
            first, last = (int(found[1]), int(found[2] or len(content))) if found else (0, len(content))
            self.answer(206 if found else 200, content[first : last + 1], ETag=etag(content))

    def refuse(self, code):
        """Names what is missing, as S3 does."""
        self.answer(404, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode())

    def answer(self, status, content, **headers):
        """Sends an answer."""
        self.send_response(status)
        for name, value in {**headers, "Content-Length": len(content)}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)


def etag(content):
    """A tag that differs for different content."""
    return f'"{hashlib.md5(content).hexdigest()}"'


def listing(objects, prefix, delimiter, **_others):
    """The answer to ListObjectsV2: the objects below a prefix, those behind a further delimiter as one folder."""
    files, folders = "", set()
    for key, content in sorted(objects.items()):
        below = key.removeprefix(prefix)
        if not key.startswith(prefix):
            continue
        if delimiter and delimiter in below:
            folders.add(prefix + below.partition(delimiter)[0] + delimiter)
        else:
            files += (
                f"<Contents><Key>{escape(key)}</Key><Size>{len(content)}</Size><ETag>{escape(etag(content))}</ETag>"
                f"<LastModified>{WRITTEN}</LastModified></Contents>"
            )
    shared = "".join(f"<CommonPrefixes><Prefix>{escape(each)}</Prefix></CommonPrefixes>" for each in folders)
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{files}{shared}</ListBucketResult>".encode()


if __name__ == "__main__":
    server = ThreadingHTTPServer(("127.0.0.1", 0), S3)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
