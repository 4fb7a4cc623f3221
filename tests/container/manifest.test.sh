#!/bin/bash
# k8s/*.yaml against the schemas of Kubernetes, with unknown fields and rules between fields. The checker lies in $SHARED;
# it is copied, since it needs its npm packages beside it.
set -euo pipefail
cd "$(dirname "$0")/../.."
checker=${SHARED:-../shared}/tools/containers/k8s-check
work=${BUILD_DIR:-build/release}/k8s-check

[ -d "$checker" ] || { echo "skipped: no $checker"; exit 77; }
mkdir -p "$work"
cp "$checker"/* "$work"/
chmod -R u+w "$work"
[ -d "$work/node_modules" ] || npm install --prefix "$work" --no-audit --no-fund --loglevel=error
node "$work/k8s-check.mjs" k8s/base/[dsn]*.yaml
