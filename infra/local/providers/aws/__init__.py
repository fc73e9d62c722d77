"""The `aws` provider: makes each resource by boto3 at the configured endpoints and reads back what is there."""
