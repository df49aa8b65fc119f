#!/usr/bin/env python3
"""Serves one folder over HTTP on a free port of 127.0.0.1, with Range requests, and says the port.

  range_server.py FOLDER [--no-ranges] [--cut BYTES]

--no-ranges answers a Range request with the whole file; --cut breaks the first answer off after so
many bytes. Each request is written to stderr as "PATH RANGE". Ends when its parent does.
"""
import argparse
import http.server
import os
import re
import sys


def handler_for(options):
    cut = [options.cut]  # the one answer that is cut short

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            print(self.path, self.headers.get("Range", "-"), file=sys.stderr, flush=True)
            path = os.path.join(options.folder, os.path.basename(self.path))
            if not os.path.isfile(path):
                self.send_error(404)
                return
            with open(path, "rb") as file:
                data = file.read()
            asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
            start = int(asked[1]) if asked and not options.no_ranges else 0
            if start >= len(data) > 0:
                self.send_error(416)
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            body = data[start:]
            if cut[0]:
                body, cut[0] = body[:cut[0]], None
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    return Handler


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--no-ranges", action="store_true")
    parser.add_argument("--cut", type=int)
    options = parser.parse_args()
    server = http.server.HTTPServer(("127.0.0.1", 0), handler_for(options))
    print("port", server.server_address[1], file=sys.stderr, flush=True)
    server.serve_forever()


main()
