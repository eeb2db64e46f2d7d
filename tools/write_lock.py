"""Print what pip would install, by its report, as requirements with hashes (``make lock``)."""

import json
import sys

with open(sys.argv[1]) as file:
    packages = json.load(file)["install"]
for package in packages:
    archive = package["download_info"].get("archive_info")
    if archive:  # the project itself is a folder
        name, version = package["metadata"]["name"], package["metadata"]["version"]
        print(f"{name}=={version} --hash=sha256:{archive['hashes']['sha256']}")
