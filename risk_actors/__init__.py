"""A risk manager for futures traders on the ProjectX Gateway."""

__version__ = "0.1.0"
