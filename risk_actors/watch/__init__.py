"""The terminal view's machinery: what the daemon tells, what was pressed, and lines on a terminal.

It knows the daemon only over HTTP. How things are worded and laid out is passed in.
"""
