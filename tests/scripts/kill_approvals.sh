#!/bin/sh
# A slice of tests/prove/kill_matrix.sh: one act that other people's files lead to.
exec sh "$(dirname "$0")/../prove/kill_matrix.sh" "approvals add"
