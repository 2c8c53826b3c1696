"""Bringing the SDK's log records to where all others go.

On import, the SDK gives each of its module loggers a handler of its own that prints JSON to
standard output, and stops them from propagating (its `ProjectXLogger.get_logger`). What the SDK's
dependencies say below WARNING is of no use to a trader and carries the token.
"""

import logging

_SDK = "project_x_py"
_CHATTY = ("pysignalr", "websockets", "httpx", "httpcore", "hpack", "h2", "aiohttp", "asyncio")


def adopt_sdk_loggers(level: int = logging.WARNING) -> None:
    """Send the SDK's records to the root logger only, from this level up.

    Call it once the adapter is imported, and again after anything else of the SDK is: its loggers
    configure themselves when their module is first imported. Idempotent.

    Args:
        level: what the SDK and its dependencies may log (`logging.WARNING` and the like).
    """
    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == _SDK]
    for name in (_SDK, *names):
        logger = logging.getLogger(name)
        for handler in list(logger.handlers):
            logger.removeHandler(handler)
        # The SDK configures a logger that has no handler; this one has, and it writes nothing.
        logger.addHandler(logging.NullHandler())
        logger.propagate = True
        logger.setLevel(logging.NOTSET)
    logging.getLogger(_SDK).setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
