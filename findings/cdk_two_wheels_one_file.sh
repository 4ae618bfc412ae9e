#!/usr/bin/env bash
# aws-cdk-lib 2.275.0 and aws-cdk.cloud-assembly-schema 55.4.0, which it requires, both hold the file
# aws_cdk/cloud_assembly_schema/__init__.py, and the two files differ. The one that is installed last
# stays, and `pip check` sees nothing wrong.
#
# pip installs what is required first, so aws-cdk-lib's stays, and all works. Where the order is
# another one (the same pins with --no-deps, as lock files are installed), Annotations.find_warning
# fails for each stack that has a warning: "Unknown interface".
#
# Needs Node.js. Exits with 0 while that is so, and with 1 once it has changed.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cat > "$place/app.py" <<'APP'
from aws_cdk import Annotations, App, Stack
from aws_cdk.assertions import Annotations as Found
from aws_cdk.assertions import Match

stack = Stack(App(), "Stack")
Annotations.of(stack).add_warning_v2("example:id", "a warning")
try:
    print(f"found {len(Found.from_stack(stack).find_warning('*', Match.any_value()))} warning")
except ValueError as error:
    print(error)
APP

python3 -m venv "$place/venv"
pip=("$place/venv/bin/pip" install --quiet --disable-pip-version-check)
"${pip[@]}" aws-cdk-lib==2.275.0 aws-cdk.cloud-assembly-schema==55.4.0 jsii==1.142.0

expect() {
    told=$(cd "$place" && venv/bin/python app.py 2>/dev/null | tail -1)
    echo "$1: $told; $("$place/venv/bin/pip" check --disable-pip-version-check | tail -1)"
    [[ $told == "$2"* ]] || { echo "This has changed."; exit 1; }
}

expect "aws-cdk-lib last" "found 1 warning"
"${pip[@]}" --no-deps --force-reinstall aws-cdk.cloud-assembly-schema==55.4.0
expect "aws-cdk.cloud-assembly-schema last" "Unknown interface"
