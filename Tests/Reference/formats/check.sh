#!/usr/bin/env bash
# Every report format against readers of others. Usage: check.sh FOLDER PVBENCH; the readers are installed in FOLDER.
set -euo pipefail
folder=$1 pvbench=$2
here=$(dirname "$0")
fixture=$here/../../Fixtures/report/run.json

python3 -m venv "$folder"
"$folder/bin/pip" install -q -r "$here/requirements.txt"
# Jenkins' schema of JUnit's XML comes with the sources of pytest, which is tested against it.
if [ ! -e "$folder/junit-10.xsd" ]; then
  "$folder/bin/pip" download -q --no-deps --no-binary pytest -d "$folder" pytest==8.3.4
  tar xzf "$folder"/pytest-8.3.4.tar.gz -C "$folder" --strip-components=3 --wildcards '*/junit-10.xsd'
fi
"$folder/bin/python" -B "$here/check.py" "$pvbench" "$fixture" "$folder/junit-10.xsd"
