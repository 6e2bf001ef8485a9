#!/bin/sh
# The browser gate for real, and the model or the Worker changed on their way.
exec sh "$(dirname "$0")/../web/gate.sh" /artifact/ worker.js
