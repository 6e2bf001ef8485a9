#!/bin/sh
# Protocol, failures and page in a real Chromium over WebDriver; 77 without one, or without node.
command -v node >/dev/null || exit 77
exec node "$(dirname "$0")/../web/run.mjs"
