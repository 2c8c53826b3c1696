"""The HTTP side: state, topology, health."""
