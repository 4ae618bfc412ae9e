#!/usr/bin/env bash
# pytest 9.2.0 makes pytest-xdist 3.8.0 ignore groups, without a word.
#
# With `--dist loadgroup`, tests that carry the same xdist_group mark run on one worker. With pytest
# 9.1.1 they do; with 9.2.0 they are spread over the workers, and nothing is reported.
# (https://github.com/pytest-dev/pytest-xdist/issues/1386)
#
# Exits with 0 while that is so, and with 1 once it has changed.
set -euo pipefail

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

cat > "$place/test_groups.py" <<'TEST'
import pytest


@pytest.mark.parametrize("number", range(40))
@pytest.mark.xdist_group("one")
def test_in_a_group(number, worker_id):
    print(f"ran on {worker_id}")
TEST

workers() {
    python3 -m venv "$place/$1"
    "$place/$1/bin/pip" install --quiet --disable-pip-version-check "pytest==$1" "pytest-xdist==3.8.0"
    (cd "$place" && "$1/bin/python" -m pytest -q -n 2 --dist loadgroup -rP -p no:cacheprovider test_groups.py) |
        grep -o 'ran on gw[0-9]' | sort -u | wc -l
}

for version in 9.1.1 9.2.0; do
    count=$(workers "$version")
    echo "pytest $version, pytest-xdist 3.8.0: one group of 40 tests ran on $count worker(s)"
    case "$version:$count" in
        9.1.1:1 | 9.2.0:2) ;;
        *) echo "This has changed."; exit 1 ;;
    esac
done
