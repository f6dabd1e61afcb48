"""Language models: how providers are asked, retried, recorded and priced."""
