#!/usr/bin/env python3
"""Fills a registry tree with manifests, without a registry: REPOSITORIES x MANIFESTS of a config and five layers each.

    benches/genmanifests.py ROOT [REPOSITORIES [MANIFESTS]]

Every manifest and config is its own; the layers come from a pool of 2,000 small blobs. Nothing is synced.
"""

import hashlib
import json
import os
import sys

root = sys.argv[1]
repositories, manifests = (int(text) for text in (sys.argv[2:] + ["10", "10000"])[:2])
v2 = os.path.join(root, "docker/registry/v2")


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def blob(content):
    digest = hashlib.sha256(content).hexdigest()
    write(f"{v2}/blobs/sha256/{digest[:2]}/{digest}/data", content)
    return digest


def descriptor(kind, digest, size):
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": size}


def link(path, digest):
    write(f"{path}/sha256/{digest}/link", f"sha256:{digest}".encode())


pool = []
for i in range(2000):
    content = b"layer %d" % i
    pool.append((blob(content), len(content)))

for r in range(repositories):
    repository = f"{v2}/repositories/bench/r{r:03}"
    linked = set()
    for m in range(manifests):
        config = b'{"architecture":"amd64","os":"linux","n":%d}' % (r * manifests + m)
        layers = [pool[(r * manifests + m * 7 + k * 13) % len(pool)] for k in range(5)]
        digest = blob(config)
        link(f"{repository}/_layers", digest)
        for layer, _ in layers:
            if layer not in linked:
                link(f"{repository}/_layers", layer)
                linked.add(layer)
        manifest = json.dumps({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": descriptor("config.v1+json", digest, len(config)),
            "layers": [descriptor("layer.v1.tar+gzip", layer, size) for layer, size in layers],
        }).encode()
        revision = blob(manifest)
        link(f"{repository}/_manifests/revisions", revision)
        if m % 10 == 0:
            tag = f"{repository}/_manifests/tags/v{m}"
            link(f"{tag}/index", revision)
            write(f"{tag}/current/link", f"sha256:{revision}".encode())
