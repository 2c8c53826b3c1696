"""What a release needs: one version everywhere, its notes, and a wheel that was tried."""
