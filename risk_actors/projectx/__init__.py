"""The gateway adapter on project-x-py."""
