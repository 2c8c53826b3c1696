"""Pictures of the dashboard, and the browser that takes them."""
