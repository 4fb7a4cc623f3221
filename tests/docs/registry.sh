# Sourced by a page that installs sioinit from npm: from then on, npm has the packages of this tree.
mkdir ../npm-packages
"$TREE/packaging/npm/build" "$PWD/../npm-packages" "$(uname -m)" "$(readlink -f "$(command -v sioinit)")" >/dev/null
node "$TREE/tests/registry.js" "$PWD/../npm-packages" >../npm-registry 2>&1 &
until [ -s ../npm-registry ]; do sleep 0.1; done
npm_config_registry=$(cat ../npm-registry)
export npm_config_registry npm_config_offline=false
