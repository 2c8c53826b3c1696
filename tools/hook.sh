#!/usr/bin/env sh
# Starts a tool for pre-commit with whichever Python there is; the bootstrap finds the right one.
for python in .venv/bin/python .venv/Scripts/python.exe python3 python; do
	if "$python" -c '' >/dev/null 2>&1; then
		exec "$python" tools/bootstrap.py "$@" </dev/null
	fi
done
echo "No Python found. Install Python 3.12 or newer, then try again." >&2
exit 1
