"""What several tools share: persistence against passing trouble, files, and pages to read."""
