#!/bin/sh
# As in Dockerfiles: something first, then the app
set -e
export GREETING="from $0"
node server.js "$@"
