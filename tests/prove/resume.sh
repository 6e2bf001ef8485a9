#!/bin/sh
# The same with 1 GiB.
RESUME_MIB=1024 exec sh "$(dirname "$0")/../scripts/resume.sh"
