"""webhook-lab: build The Scalable Webhook, one AWS resource at a time."""
