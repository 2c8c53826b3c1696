"""Arguments that several tools take."""

import argparse


def seconds(text: str) -> float:
    """Return a length of time in seconds.

    Raises:
        argparse.ArgumentTypeError: it is none, in words.
    """
    try:
        length_s = float(text)
    except ValueError:
        length_s = 0.0
    if not 0 < length_s < float("inf"):
        raise argparse.ArgumentTypeError(f"expected a number above 0, such as 60, not `{text}`")
    return length_s
